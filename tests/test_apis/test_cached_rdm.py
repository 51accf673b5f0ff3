"""Representations that are drawn once are those that were drawn."""
import pytest
import torch
from torch import nn

from rcg.apis.cached_rdm import CachedRDM
from rcg.frozen import Frozen
from rcg.rng import SampleRng


class Toy(nn.Module):
    """Stands for an RDM; counts how often it draws."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def sample(self, rng, labels=None):
        self.calls += 1
        drawn = rng.normal(3)
        return drawn if labels is None else drawn + labels[:, None]


def frozen(rdm):
    return Frozen(rdm, 'rdm.pth', 'abc')


def draw(rdm, labels=None):
    """Representations, and what the streams give next."""
    rng = SampleRng.from_seed(0, [0, 1])
    return rdm.on(torch.device('cpu')).sample(rng, labels), rng.normal(2)


@pytest.mark.parametrize('labels', [None, torch.tensor([3, 4])])
def test_streams_go_on_as_if_it_had_been_drawn(labels):
    toy = Toy()
    cached = CachedRDM(frozen(toy))
    wanted = draw(frozen(Toy()), labels)
    for _ in range(2):
        assert all(map(torch.equal, draw(cached, labels), wanted))
    assert toy.calls == 1
    assert cached.sha256 == 'abc'
    cached.save()  # nowhere


def test_the_next_start_reads_what_was_saved(tmp_path):
    about = dict(model='a')
    first = CachedRDM(frozen(Toy()), tmp_path / 'sweep', about, 1)
    wanted = draw(first)
    first.save()
    toy = Toy()
    assert all(map(torch.equal, wanted, draw(
        CachedRDM(frozen(toy), tmp_path / 'sweep', about, 0))))
    assert toy.calls == 0
    draw(CachedRDM(frozen(toy), tmp_path / 'sweep', dict(model='b'), 0))
    assert toy.calls == 1


def test_a_damaged_file_is_drawn_again(tmp_path):
    first = CachedRDM(frozen(Toy()), tmp_path, dict(model='a'))
    wanted = draw(first)
    first.save()
    whole = first.path.read_bytes()
    first.path.write_bytes(whole[:len(whole) // 2])
    again = CachedRDM(frozen(Toy()), tmp_path, dict(model='a'))
    assert not again.drawn
    assert all(map(torch.equal, wanted, draw(again)))
