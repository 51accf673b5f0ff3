"""From bytes to floats, and back."""
import torch

from rcg.models.data_preprocessor import ImagePreprocessor, to_uint8
from rcg.rng import SampleRng


def test_every_byte_comes_back():
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    floats = ImagePreprocessor()(dict(images=images))['images']
    assert floats.min() == -1
    assert floats.max() == 1
    # Truncation, as published: a rounding error may cost one level.
    assert ((to_uint8(floats).int() - images.int()).abs() <= 1).all()


def test_quantisation_cuts_off_and_clips():
    values = torch.tensor([-3., -1, 2 * 10.9 / 255 - 1, 1, 7])
    assert to_uint8(values).tolist() == [0, 0, 10, 255, 255]


def test_quantisation_may_round():
    values = torch.tensor([-3., 2 * 10.4 / 255 - 1, 2 * 10.9 / 255 - 1, 7])
    assert to_uint8(values, 'round').tolist() == [0, 10, 11, 255]


def test_keys_become_streams_and_the_rest_stays():
    data = ImagePreprocessor()(dict(keys=torch.tensor([[7, 3]]),
                                    labels=torch.tensor([1])))
    assert isinstance(data['rng'], SampleRng)
    assert data['rng'].keys.tolist() == [[7, 3]]
    assert data['labels'].tolist() == [1]
    assert 'keys' not in data
    assert data['rng'].num_draws == 0
    data = ImagePreprocessor()(dict(keys=torch.tensor([[7, 3]]), num_draws=5))
    assert data['rng'].num_draws == 5
    assert 'num_draws' not in data


def test_the_host_does_not_wait_for_copies(monkeypatch):
    """Each wait is for all that was asked of the GPU before."""
    to, seen = torch.Tensor.to, []

    def note(tensor, *args, **kwargs):
        seen.append(kwargs['non_blocking'])
        return to(tensor, *args, **kwargs)

    monkeypatch.setattr(torch.Tensor, 'to', note)
    ImagePreprocessor()(dict(keys=torch.tensor([[7, 3]]),
                             labels=torch.tensor([1])))
    assert seen == [True, True]
