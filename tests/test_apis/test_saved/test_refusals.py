"""Damaged and hostile folders are refused with a sentence."""
import json
import os

import pytest

from rcg.apis import RCGInferencer
from rcg.apis.saved.content import what_is_unsafe
from rcg.apis.saved.reading import read_saved
from rcg.checkpoint import CheckpointError


def setting(*place):
    """Sets the last word at a place of the index."""
    *keys, value = place

    def change(index):
        for key in keys[:-1]:
            index = index[key]
        index[keys[-1]] = value
    return change


HEAD = dict(bytes=1, sha256='ab' * 32)
GENERATOR = 'model', 'generator'
INDEX = {
    'of a later version': (setting('format', 2), 'its format is 2.*newer'),
    'no format': (setting('format', '1'), "has no valid 'format'"),
    'a hash of something else': (
        setting('files', 'rdm.safetensors', 'sha256', 'ab' * 32),
        r'rdm\.safetensors has the SHA-256 .*abababababab.*damaged'),
    'no hash': (setting('files', 'rdm.safetensors', 'sha256', 'x'),
                r'no valid size and hash of rdm\.safetensors'),
    'another size': (setting('files', 'rdm.safetensors', HEAD),
                     r'rdm\.safetensors has .* bytes, 1 are wanted'),
    'a file elsewhere': (setting('files', '../a.safetensors', HEAD),
                         r"lists '\.\./a\.safetensors', which is no file of"),
    'a pickle': (setting('files', 'a.pth', HEAD), "lists 'a.pth'"),
    'no generator': (lambda index: index['files'].pop(
        'generator.safetensors'), r'not list generator\.safetensors'),
    'an unlisted part': (lambda index: index['files'].pop(
        'rdm.safetensors'), r'not list rdm\.safetensors'),
    'weights elsewhere': (
        setting('model', 'rdm', 'checkpoint', '/etc/passwd'),
        r"model\.rdm\.checkpoint is '/etc/passwd', which is no file of"),
    'a function for a type': (
        setting(*GENERATOR, 'type', 'os.system'),
        r"generator\.type is 'os\.system', which no registry"),
    'an unknown type': (setting('model', 'encoder', 'type', 'MyEncoder'),
                        "'MyEncoder', which no registry"),
    'a type of the parent': (setting(*GENERATOR, 'type', 'Linear'),
                             "'Linear', which no registry"),
    'an initialization': (
        setting(*GENERATOR, 'init_cfg', dict(type='Pretrained')),
        r'init_cfg is not allowed'),
    'an import': (setting('model', 'custom_imports', ['os']),
                  'custom_imports.* is not allowed'),
    'a download': (setting('model', 'encoder', 'pretrained', True),
                   'pretrained is not allowed'),
    'an address': (setting('model', 'encoder', 'name', 'hf-hub:a/b'),
                   "'hf-hub:a/b', neither a name nor a number"),
    'a download by default': (
        setting('model', 'encoder', dict(type='TimmEncoder', model='resnet18',
                                         checkpoint='encoder.safetensors')),
        r'model\.encoder\.pretrained must be False'),
    'a table without end': (
        setting('model', 'rdm', 'diffusion', 'num_timesteps', 10**12),
        'num_timesteps is 1000000000000, larger than 10,000,000'),
    'a transform that reads files': (
        setting('pipeline', [dict(type='LoadImageFromFile')]),
        r"pipeline\[0\]\.type is 'LoadImageFromFile', which no"),
    'other bits': (setting('bits', -1), 'from 8 to 16, got -1'),
    'another precision': (setting('float32', 'low'), "got 'low'"),
    'names that are none': (setting('classes', [['a'], 3]), 'class names'),
}


@pytest.mark.parametrize('name', INDEX)
def test_an_index_with(name, changed):
    change, words = INDEX[name]
    folder = changed(change)
    with pytest.raises(CheckpointError, match=f'copy.* was refused: .*{words}'
                       if words else None):
        read_saved(folder)


BUILDING = {
    'more parameters than weights': (
        setting('model', 'rdm', 'denoiser', 'width', 10**6),
        'asks for more parameters than its files hold'),
    'a wrong argument': (setting('model', 'rdm', 'denoiser', 'widht', 3),
                         "no argument 'widht'"),
    'a part in the wrong place': (
        setting('model', 'encoder', 'type', 'VQGAN'), 'not a encoder|not an'),
    'weights of another part': (
        setting('model', 'rdm', 'checkpoint', 'encoder.safetensors'),
        'not those of RDM'),
    'no model': (setting('model', {}), ''),
}


@pytest.mark.parametrize('name', BUILDING)
def test_a_config_with(name, changed):
    change, words = BUILDING[name]
    with pytest.raises(CheckpointError, match=f'cannot be built: .*{words}'):
        RCGInferencer(changed(change), device='cpu')


def test_imports_are_named_not_made(changed):
    def change(index):
        index['modules'] = ['my_encoder', 'no module']
        index['model']['encoder']['type'] = 'MyEncoder'
    with pytest.raises(CheckpointError, match='author imported my_encoder: '):
        read_saved(changed(change))


def test_files_that_are_missing_or_none(changed):
    folder = changed()
    (folder / 'rdm.safetensors').unlink()
    with pytest.raises(CheckpointError, match=r'rdm\.safetensors is missing'):
        read_saved(folder)
    os.mkfifo(folder / 'rdm.safetensors')
    with pytest.raises(CheckpointError, match='is a named pipe'):
        read_saved(folder)
    for content, words in (('{', 'not valid JSON'), ('[]', 'must be a dict'),
                           ('[' * 10**5, 'nests deeper'),
                           (' ' * (5 << 20), 'at most')):
        (folder / 'rcg.json').write_text(content)
        with pytest.raises(CheckpointError, match=words):
            read_saved(folder)


def test_a_giant_header(changed):
    """The hash is right, for it is the author who is hostile."""
    import hashlib
    content = (1 << 40).to_bytes(8, 'little') + b'{"a": 1}'
    folder = changed(setting('files', 'rdm.safetensors', dict(
        bytes=len(content), sha256=hashlib.sha256(content).hexdigest())))
    (folder / 'rdm.safetensors').unlink()
    (folder / 'rdm.safetensors').write_bytes(content)
    with pytest.raises(CheckpointError, match='header has 1,099,511,627,776'):
        RCGInferencer(folder, device='cpu')


def test_folders_that_are_none(tmp_path, digits_root):
    with pytest.raises(FileNotFoundError, match='no saved model'):
        read_saved(tmp_path)
    for name in (tmp_path, digits_root / 'mage'):
        with pytest.raises(FileNotFoundError, match='takes a work folder'):
            RCGInferencer.from_pretrained(name)


def test_every_string_of_a_config_is_looked_at(saved):
    model = json.loads((saved / 'rcg.json').read_text())['model']
    assert what_is_unsafe(model, []) is None
    for value in ('a/b', '..\\a', 'a:b', 'x' * 201, '\n', {'type': {}},
                  {'type': ['os.system']}, {'checkpoint': {}}, {'_scope_': 1},
                  {'pretrained': {'a': 1}}, [[{'type': 'os.system'}]],
                  {'checkpoint': ['rdm.safetensors', '/etc/passwd']},
                  {'init_cfg': []}, {'init_cfg': None}, -10**8):
        assert what_is_unsafe(model | dict(extra=value), []), value
