import pytest
import torch

from rcg.models.layers.embeddings import position_table, timestep_embedding
from tests.reference import assert_reproduced


def test_published_tables():
    """And learning rates, mask ratios, the plain average of weights."""
    assert_reproduced('schedules')


def test_refuses_an_odd_width():
    with pytest.raises(ValueError, match='multiple of 4, got 6'):
        position_table(6, 2, row_first=True)


def test_frequencies_are_a_constant_of_a_compiled_network():
    """A step would compute them again, on the CPU, and copy them."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph.code)
        return graph.forward

    t = torch.tensor([0, 7, 999])
    compiled = torch.compile(timestep_embedding, backend=backend,
                             fullgraph=True)
    assert torch.equal(compiled(t, 8), timestep_embedding(t, 8))
    assert len(graphs) == 1
    assert 'cos' in graphs[0]
    assert 'arange' not in graphs[0]
