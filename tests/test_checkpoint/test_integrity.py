"""A flipped bit is noticed, and the file and tensor are named."""
import random
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from rcg.checkpoint import (
    CheckpointError,
    load_weights,
    read_checkpoint,
    save_atomically,
)
from rcg.checkpoint.foreign import read_foreign
from rcg.checkpoint.reading import DamageError
from rcg.engine.saving import read_checkpoint_for, write_checkpoint


def weights():
    rng = torch.Generator().manual_seed(0)
    return {f'layer.{i}': torch.randn(50, 7, generator=rng)
            for i in range(5)} | {'half': torch.ones(3).half(),
                                  'none': torch.empty(0, 2),
                                  'count': torch.tensor(3)}


def flipped(content, bit):
    data = bytearray(content)
    data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


def same(found, wanted):
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(
            same(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, torch.Tensor):
        return (found.dtype, found.shape) == (wanted.dtype, wanted.shape) \
            and torch.equal(found, wanted)
    return found == wanted


def outcome(read, path):
    """What was read, and the text of the error instead."""
    try:
        return read(path), ''
    except CheckpointError as error:
        text = str(error)
    assert str(path) in text
    return None, text


def parts_of(path):
    """Ranges of bytes: contents of a zip file, and its directory."""
    with zipfile.ZipFile(path) as archive:
        infos, start = archive.infolist(), archive.start_dir
    content = path.read_bytes()
    starts = [info.header_offset + 30 + sum(content[
        info.header_offset + i] + 256 * content[info.header_offset + i + 1]
        for i in (26, 28)) for info in infos]
    read = [range(begin, begin + info.file_size)
            for begin, info in zip(starts, infos, strict=True)
            if 'data/' in info.filename or info.filename.endswith('data.pkl')]
    return [i for part in read for i in part], range(start, len(content))


def test_50_of_50_flipped_bits_of_a_checkpoint(tmp_path):
    checkpoint = {'state_dict': weights(), 'meta': {'iter': 3},
                  'message_hub': {}, 'optimizer': {'state': {0: weights()}}}
    write_checkpoint(checkpoint, str(tmp_path), 'a.pth')
    path = tmp_path / 'a.pth'
    whole, rng = path.read_bytes(), random.Random(0)
    content, directory = parts_of(path)
    assert len(content) > len(whole) // 3
    noticed = 0
    for place in [*rng.choices(content, k=50), *rng.choices(directory, k=50),
                  *rng.choices(range(len(whole)), k=50)]:
        path.write_bytes(flipped(whole, 8 * place + rng.randrange(8)))
        for read in (read_checkpoint, read_foreign):
            found, error = outcome(read, path)
            if error:
                noticed += read is read_checkpoint
            else:  # it lies in what is not read: padding, times
                assert place not in content
                assert same(found, checkpoint)
    assert noticed >= 90


def test_50_of_50_flipped_bits_of_safetensors(tmp_path):
    path = tmp_path / 'a.safetensors'
    save_atomically(weights(), path, {'source': 'b.pth'})
    whole, rng = path.read_bytes(), random.Random(0)
    head = 8 + int.from_bytes(whole[:8], 'little')
    found = read_checkpoint(path)
    assert same(found, weights())
    for place in [*rng.choices(range(head, len(whole)), k=50),
                  *rng.choices(range(head), k=50)]:
        path.write_bytes(flipped(whole, 8 * place + rng.randrange(8)))
        found, error = outcome(read_checkpoint, path)
        if not error:  # the name of the checksums, or a space
            assert place < head
            assert same(found, weights())


@pytest.mark.parametrize('name', ['a.pth', 'a.safetensors'])
def test_the_file_and_the_tensor_are_named(tmp_path, name):
    path = tmp_path / name
    save_atomically(weights(), path)
    whole = path.read_bytes()
    place = whole.index(weights()['layer.3'].numpy().tobytes())
    path.write_bytes(flipped(whole, 8 * place + 100))
    for read in (read_checkpoint, read_foreign):
        with pytest.raises(DamageError, match=rf"'.*{name}' is damaged.*"
                           r"checksum of .*'layer\.3'.*Take an earlier"):
            read(path)
    module = torch.nn.Module()
    module.register_buffer('x', torch.ones(1))
    with pytest.raises(DamageError, match=r'layer\.3'):
        load_weights(module, str(path))
    with pytest.raises(DamageError, match=r'layer\.3'):
        read_checkpoint_for(module, str(path))


@pytest.fixture
def no_checksums():
    torch.serialization.set_crc32_options(False)
    yield
    torch.serialization.set_crc32_options(True)


def test_files_without_checksums_still_load(tmp_path, no_checksums):
    """As earlier versions and others wrote them."""
    save_file(weights(), tmp_path / 'a.safetensors', {'source': 'x'})
    torch.save(weights(), tmp_path / 'a.pth',
               _use_new_zipfile_serialization=False)
    torch.save(weights(), tmp_path / 'b.pth')
    for name in ('a.safetensors', 'a.pth', 'b.pth'):
        assert same(read_checkpoint(tmp_path / name), weights())


@pytest.mark.parametrize('change', [
    {'meta': 3}, {'meta': {'run': ['x']}}, {'message_hub': torch.ones(1)},
    {'ema_state_dict': [1]}, {'state_dict': 'x'}])
def test_entries_of_another_kind_are_refused(tmp_path, change):
    path, module = str(tmp_path / 'a.pth'), torch.nn.Linear(2, 2)
    checkpoint = {'meta': {'iter': 1}, 'message_hub': {},
                  'state_dict': module.state_dict()}
    torch.save(checkpoint, path)
    assert same(read_checkpoint_for(module, path), checkpoint)
    torch.save(checkpoint | change, path)
    with pytest.raises(CheckpointError, match='a.pth.*, not a dict'):
        read_checkpoint_for(module, path)
