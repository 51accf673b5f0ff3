"""The steps of sampling, as images."""
import numpy as np
import pytest
import torch

from rcg.apis import RCGInferencer
from rcg.apis.inference.frames import HIDDEN
from rcg.engine import load_config


def test_the_last_frame_is_the_sample(rcg):
    """In several batches, the last of which is filled up."""
    frames = list(rcg.steps(6, seed=2, output='tensor'))
    assert [(f.step, f.num_steps) for f in frames] == [(1, 3), (2, 3), (3, 3)]
    assert [f.is_last for f in frames] == [False, False, True]
    assert {f.images.shape for f in frames} == {(6, 3, 16, 16)}
    wanted = rcg.sample(6, seed=2, output='tensor')
    assert torch.equal(frames[-1].images, wanted)
    other = list(rcg.steps(6, seed=2, batch_size=3, output='tensor'))[-1]
    assert torch.equal(other.images, rcg.sample(
        6, seed=2, batch_size=3, output='tensor'))


def test_tokens_that_are_not_chosen_are_gray(rcg):
    def hidden(frame):  # of 16 places of 4x4 pixels
        places = frame.images.unflatten(2, (4, 4)).unflatten(4, (4, 4))
        return (places == HIDDEN).all(5).all(3).all(1).sum((1, 2)).tolist()

    counts = [hidden(frame) for frame in rcg.steps(2, output='tensor')]
    assert counts == [[13, 13], [8, 8], [0, 0]]


@pytest.mark.parametrize('name', ['dit', 'adm'])
def test_a_diffusion_shows_its_clean_estimates(digits_root, name):
    cfg = load_config(f'configs/digits/{name}.py', {
        'model.generator.sampler.num_steps': 4,
        'model.rdm.sampler.num_steps': 2})
    model = RCGInferencer(cfg, digits_root / name, 'cpu')
    *before, last = model.steps(2, output='tensor')
    assert len(before) == 3
    assert torch.equal(last.images, model.sample(2, output='tensor'))
    assert not torch.equal(before[0].images, last.images)


def test_a_callback_sees_each_step_of_each_batch(rcg):
    seen = []
    images = rcg.sample(
        5, output='numpy', callback=lambda frame: seen.append(frame))
    assert [(f.step, f.indices) for f in seen] == [
        (step, indices) for indices in (range(4), range(4, 5))
        for step in (1, 2, 3)]
    assert np.array_equal(images, rcg.sample(5, output='numpy'))
    assert np.array_equal(images[4], seen[-1].images[0])
    assert seen[0].images.shape == (4, 16, 16, 3)


def test_a_generator_that_shows_no_steps(rcg, monkeypatch):
    from rcg.models.generators import MAGE
    from rcg.models.generators.base import PixelGenerator
    monkeypatch.setattr(MAGE, 'estimates', PixelGenerator.estimates)
    frame, = rcg.steps(2, output='tensor')
    assert torch.equal(frame.images, rcg.sample(2, output='tensor'))


def test_what_is_not_finite_is_refused(rcg, monkeypatch):
    monkeypatch.setattr(rcg.model, 'decode', lambda codes: torch.full(
        (len(codes), 3, 2, 2), torch.nan))
    *_, last = rcg.steps(1)
    with pytest.raises(ValueError, match='images of 4 samples hold NaN'):
        assert last.images
