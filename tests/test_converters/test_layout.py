import pytest
import torch

from rcg.converters.layout import Layout

LAYOUT = Layout(
    'a toy file',
    names={'up.{1}.in.*': 'levels.{0}.fc1.*', 'x.{0}.y.{2}.*': 'z.{0}.{0}.*',
           'book': 'codebook'},
    ignored={'loss.': 'the loss'},
    needed={'up.': 'Take another.'})
STATE = {name: torch.full((1, ), i) for i, name in enumerate(
    ['up.1.in.weight', 'up.2.in.running_var', 'x.0.y.2.bias', 'book'])}
OURS = ['levels.0.fc1.weight', 'levels.1.fc1.running_var', 'z.0.0.bias',
        'codebook']


def test_indices_and_words_are_passed_on():
    found = LAYOUT.from_published(STATE)
    assert list(found) == OURS
    assert list(found.values()) == list(STATE.values())
    assert LAYOUT.to_published(found) == STATE


def test_tensors_keep_their_dtype():
    half = {name: tensor.half() for name, tensor in STATE.items()}
    found = LAYOUT.from_published(half)
    assert all(tensor.dtype == torch.float16 for tensor in found.values())


def test_ignored_names():
    assert LAYOUT.ignored('loss.logvar') == 'the loss'
    assert LAYOUT.ignored('book') is None
    found = LAYOUT.from_published(STATE | {'loss.logvar': torch.zeros(1)})
    assert list(found) == OURS


@pytest.mark.parametrize('name', [
    'up.1.in', 'up.1.in.weight.g', 'a.up.1.in.weight', 'up.x.in.weight',
    'books', 'losses'])
def test_unknown_names(name):
    with pytest.raises(KeyError, match=f"a toy file has no tensor '{name}'"):
        LAYOUT.ignored(name)
    with pytest.raises(KeyError):
        LAYOUT.from_published(STATE | {name: torch.zeros(1)})
    with pytest.raises(KeyError):
        LAYOUT.to_published({name: torch.zeros(1)})


def test_what_a_file_cannot_do_without():
    with pytest.raises(ValueError, match=r"start with 'up\.'; got "
                       r"\['book'\] and 0 more. Take another."):
        LAYOUT.from_published({'book': STATE['book']})
