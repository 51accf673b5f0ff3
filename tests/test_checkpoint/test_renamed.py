"""Weights that version 0.1.0 wrote are understood."""
import pytest
import torch
from torch import nn

from rcg.checkpoint import CheckpointError, load_weights, with_current_names


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.condition_embed = nn.Linear(2, 3)
        self.down, self.up = nn.Linear(3, 3), nn.Linear(3, 2)


EARLIER = dict(condition_embed='condition', down='encoder', up='decoder')


def earlier(state):
    """The state dict as it was before the renames."""
    for new, old in EARLIER.items():
        state = {'.'.join(old if word == new else word
                          for word in name.split('.')): value
                 for name, value in state.items()}
    return state


@pytest.mark.parametrize('prefix', ['', 'generator.network'])
def test_earlier_names_load(tmp_path, prefix):
    source, target = Network(), Network()
    state = {f'{prefix}.{name}'.lstrip('.'): value
             for name, value in earlier(source.state_dict()).items()}
    torch.save({'state_dict': state}, tmp_path / 'iter_1.pth')
    load_weights(target, str(tmp_path), prefix)
    for name, value in target.state_dict().items():
        assert torch.equal(value, source.state_dict()[name]), name


def test_names_that_a_module_still_has_are_left_alone():
    state = {name: torch.ones(1) for name in (
        'encoder.backbone.weight', 'a.encoder.0.weight', 'my_encoder.weight')}
    own = ['encoder.backbone.weight', 'a.down.0.weight', 'my_down.weight']
    assert list(with_current_names(state, own)) == [
        'encoder.backbone.weight', 'a.down.0.weight', 'my_encoder.weight']


def test_what_fits_under_no_name_is_refused(tmp_path):
    torch.save({'encoder.weights': torch.ones(3)}, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match='unexpected .*encoder.weights'):
        load_weights(Network(), str(tmp_path / 'a.pth'))
