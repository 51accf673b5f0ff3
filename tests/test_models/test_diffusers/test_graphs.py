"""Recording a loop, with recordings that run it again in place of CUDA's."""
import copy

import pytest
import torch

from rcg.models.diffusers.graphs import (
    MOST,
    CudaRecording,
    GraphedLoop,
    padded_size,
)
from rcg.rng import SampleRng
from tests.test_models.test_diffusers.test_prepared import SAMPLERS, drawn, rdm


class Rerun(CudaRecording):
    """Replays as a graph does: into the tensor that it has written before."""
    made = 0

    def record(self):
        type(self).made += 1
        self.run()

    def replay(self):
        out = self.out
        self.run()
        self.out = out.copy_(self.out)


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(GraphedLoop, 'recording_type', Rerun)
    monkeypatch.setattr(Rerun, 'made', 0)
    model = rdm(classes=True)
    model._can_be_recorded = lambda rng: True
    return model


def test_batches_of_many_sizes_share_few_recordings(model):
    sizes = 8, 5, 7, 3, 8, 1
    wanted = {rows: drawn(model, rows=rows) for rows in sizes}
    assert Rerun.made == 0  # nobody asked for it
    model.capture_sampling()
    got = {rows: drawn(model, rows=rows) for rows in sizes}
    torch.testing.assert_close(got, wanted)
    assert Rerun.made == 3  # of 8, 4 and 1
    assert padded_size(500) == padded_size(512) == 512


def test_what_changes_is_seen(model):
    model.capture_sampling()

    def check(recordings):
        graphs, model.graphs = model.graphs, None
        wanted = drawn(model)
        model.graphs = graphs
        torch.testing.assert_close(drawn(model), wanted)
        assert Rerun.made == recordings

    check(1)
    with torch.no_grad():  # as an average is swapped in
        model.denoiser.input_proj.weight.mul_(2)
    check(1)
    model.sampler.num_steps = 5
    check(2)
    weight = model.denoiser.input_proj.weight
    weight.data = weight * 2  # as a module that moves has other memory
    check(3)
    rng = SampleRng.from_seed(3, range(6))
    rng.uniform()
    drawn_later = model.sample(rng, torch.arange(6) % 3)
    assert Rerun.made == 4
    assert not torch.allclose(drawn_later, drawn(model)[0])


def test_the_number_of_recordings_is_bounded(model):
    model.capture_sampling()
    for rows in 1, 2, 4, 8, 16, 1:
        drawn(model, rows=rows)
        assert len(model.graphs.recordings) <= MOST
    assert Rerun.made == 6


def test_results_outlive_the_next_replay(model):
    model.capture_sampling()
    first, _ = drawn(model)
    kept = first.clone()
    model.sample(SampleRng.from_seed(4, range(6)), torch.arange(6) % 3)
    assert torch.equal(first, kept)


def test_a_copy_has_none(model):
    model.capture_sampling()
    drawn(model)
    assert copy.deepcopy(model).graphs.recordings == {}


def test_on_a_cpu_nothing_is_recorded():
    model = rdm(sampler=SAMPLERS[1])
    model.capture_sampling()
    drawn(model)
    assert model.graphs.recordings == {}
