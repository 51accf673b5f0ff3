import pytest
import torch

from rcg.models.layers.plain import has_own_ways, plain_layers

CPU = torch.device('cpu')


def test_own_ways_are_for_a_cpu_outside_of_the_switch():
    assert has_own_ways(CPU)
    assert not has_own_ways(torch.device('cuda'))
    assert not has_own_ways(torch.device('meta'))
    with plain_layers():
        assert not has_own_ways(CPU)
        with plain_layers():
            pass
        assert not has_own_ways(CPU)
    assert has_own_ways(CPU)


def test_an_error_leaves_the_switch_as_it_was():
    with pytest.raises(KeyError), plain_layers():
        raise KeyError
    assert has_own_ways(CPU)


def test_what_is_compiled_is_pytorchs():
    @torch.compile(backend='eager', fullgraph=True)
    def own(x):
        return x + 1 if has_own_ways(x.device) else x

    assert own(torch.zeros(())) == 0
