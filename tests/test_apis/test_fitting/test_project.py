"""The configs that fit() writes."""
import pytest

from rcg.apis.fitting.project import FILES, set_value, write_project
from rcg.engine import load_config
from tests.test_configs import build

NAMES = [name for name in FILES if name != 'parts']


@pytest.mark.parametrize('name', NAMES)
def test_a_project_anywhere(tmp_path, name):
    out, data = tmp_path / "it's a {b}", '/data/it\'s "{x}" \\n'
    write_project(out, data, 'tiny_32', dict(_size=48, _steps=dict(mage=7)))
    cfg = load_config(str(out / f'{name}.py'))
    assert cfg.work_dir == str(out / name)
    assert cfg.train_dataloader.dataset.data_root == data
    assert {step.size for step in cfg.train_dataloader.dataset.pipeline} == {
        48}
    assert cfg._steps == dict(encoder=600, tokenizer=3000, rdm=2000, mage=7,
                              pixels=3000)
    assert 'RCG_' not in (out / f'{name}.py').read_text()
    assert 'folder/' not in (out / f'{name}.py').read_text()
    build(cfg)


@pytest.mark.parametrize('name', [
    '{{fileBasename}}', '{{ fileDirname }}', '{{_base_._size}}', '${{$HOME}}',
    '{{{x}}}', '_base_', 'two\nlines', '\'\'\'a"""', 'back\\', '\udcff'])
@pytest.mark.parametrize('part', ['out', 'data'])
def test_names_are_not_read_as_variables(tmp_path, name, part):
    out = tmp_path / (name if part == 'out' else 'project')
    data = f'/data/{name}' if part == 'data' else '/data'
    write_project(out, data, 'tiny_32', dict(_label_names=(name, )))
    set_value(out, '_encoder_name', name)
    cfg = load_config(str(out / 'mage.py'))
    assert cfg.work_dir == str(out / 'mage')
    assert cfg.train_dataloader.dataset.data_root == data
    assert (cfg._label_names, cfg._encoder_name) == ((name, ), name)


@pytest.mark.parametrize(('preset', 'size'), [
    ('tiny_32', 28), ('tiny_32', 32), ('tiny_32', 40), ('tiny_32', 96),
    ('small_64', 48), ('small_64', 64), ('base_128', 128), ('base_128', 512),
    ('base_256', 192), ('base_256', 256)])
def test_all_follows_the_size(tmp_path, preset, size):
    write_project(tmp_path, 'data', preset, dict(_size=size))
    cfg = load_config(str(tmp_path / 'mage.py'))
    levels = len(cfg.tokenizer.dim_mult)
    side = size // 2**(levels - 1)
    assert cfg.generator.network.num_tokens == side**2
    assert size % 2**(levels - 1) == 0
    assert cfg._grid <= side < 2 * cfg._grid or levels in (1, 6)
    build(cfg)
    network = build(load_config(str(tmp_path / 'pixels.py'))).generator.network
    assert network.input_size == size
    assert len(network.position) == side**2  # a patch is what a token is


def test_files_that_were_edited_stay(tmp_path):
    write_project(tmp_path, 'data', 'tiny_32', {})
    (tmp_path / 'rdm.py').write_text("_base_ = './parts.py'\n# mine\n")
    write_project(tmp_path, 'data', 'small_64', {})
    assert '# mine' in (tmp_path / 'rdm.py').read_text()
    assert 'tiny_32' in (tmp_path / 'settings.py').read_text()


def test_values_are_set(tmp_path):
    write_project(tmp_path, 'data', 'tiny_32', {})
    for value in (6., 9.):
        set_value(tmp_path, '_temperature', value)
    text = (tmp_path / 'settings.py').read_text()
    assert text.count('_temperature') == 1
    cfg = load_config(str(tmp_path / 'mage.py'))
    assert cfg.model.generator.temperature == 9.
