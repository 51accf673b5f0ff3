"""Published files to parts by a call, and back; configs that fit."""
import pytest
import torch

from rcg.checkpoint import CheckpointError, read_checkpoint
from rcg.converters import convert, publish
from rcg.converters.conversion import check
from rcg.converters.parts import same_bits, split
from tests.reference import load_case
from tests.test_converters.test_formats import FULL_SIZE, published


@pytest.mark.parametrize('name', [
    name for name, (_, stem) in FULL_SIZE.items() if stem])
def test_every_released_file_fits_the_config_it_is_told(name):
    for part in split(FULL_SIZE[name][0], published(name)[1]):
        check(part, part.config)
        del part.weights[next(iter(part.weights))]
        with pytest.raises(CheckpointError, match=r'missing \(1\)'):
            check(part, part.config)


def test_there_and_back_from_python(tmp_path, capsys):
    weights = load_case('mage_rep')[1]
    source = str(tmp_path / 'mage.pth')
    torch.save({'model': weights, 'epoch': 3}, source)
    lines = []
    found = convert(source, str(tmp_path / 'parts'), log=lines.append)
    assert (found.format, found.key, found.others) == (
        'mage', 'model', ['epoch'])
    assert [part.role for part in found.parts] == [
        'generator', 'encoder', 'tokenizer']
    assert found.unchecked == [part.stem for part in found.parts]
    assert found.written == [True] * 3
    assert [path.stem for path in found.paths] == found.unchecked
    assert lines[0].endswith("weights under 'model'; beside them, left out: "
                             'epoch')
    assert lines[-1] == f'wrote {found.paths[-1]}'
    again = convert(source, str(tmp_path / 'parts'))
    assert again.written == [False] * 3
    out = str(tmp_path / 'back.pth')
    assert publish([str(path) for path in found.paths], out) == len(weights)
    back = read_checkpoint(out)['model']
    assert back.keys() == weights.keys()
    assert all(same_bits(back[name], weights[name]) for name in weights)
    assert capsys.readouterr().out == ''
