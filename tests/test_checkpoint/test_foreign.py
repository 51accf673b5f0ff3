"""Files of any origin: weights come out, nothing in them runs."""
import argparse
import io
import os
import pickle
import struct
import sys
import types
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from rcg.checkpoint import CheckpointError
from rcg.checkpoint.foreign import read_foreign
from rcg.checkpoint.inert import Placeholder, load
from tests.test_checkpoint.crafted import (
    Pid,
    Reduce,
    by_opcodes,
    crafted,
    file_in_file,
    pickled,
    zip_with,
)


def weights():
    """Tensors of many dtypes and layouts."""
    base = torch.arange(24.).reshape(4, 6)
    return OrderedDict(
        a=base, transposed=base.t(), part=base[1:3, 2:],
        half=base.half(), brain=base.bfloat16(), scalar=torch.tensor(3),
        empty=torch.empty(0, 3), flags=base > 3, small=base.to(torch.uint8),
        parameter=torch.nn.Parameter(base * 2))


@pytest.mark.parametrize('legacy', [False, True])
def test_weights_of_both_formats_of_torch(tmp_path, legacy):
    path, state = tmp_path / 'a.pth', weights()
    state._metadata = {'': {'version': 1}}  # as of Module.state_dict()
    torch.save({'model': state, 'epoch': 3, 'x': [1, (2., None, True)]},
               path, _use_new_zipfile_serialization=not legacy)
    content = read_foreign(path)
    assert content['epoch'] == 3
    assert content['x'] == [1, (2., None, True)]
    assert list(content['model']) == list(state)
    for name, value in content['model'].items():
        assert value.dtype == state[name].dtype
        assert torch.equal(value, state[name])


def test_safetensors_by_content(tmp_path):
    save_file({'a': torch.ones(2)}, tmp_path / 'a.bin')
    assert torch.equal(read_foreign(tmp_path / 'a.bin')['a'],
                       torch.ones(2))


@pytest.mark.parametrize('protocol', [2, 4])
def test_unknown_classes_become_placeholders(tmp_path, protocol, monkeypatch):
    module = types.ModuleType('gone')  # as if written where it is installed
    exec('class Callback:\n    def __init__(self): self.best = 3\n'
         'class Node(dict): pass\nclass Bag(list): pass\n'
         'def function(): pass', module.__dict__)
    for thing in (module.Callback, module.Node, module.Bag, module.function):
        thing.__module__ = 'gone'
    monkeypatch.setitem(sys.modules, 'gone', module)
    path = tmp_path / 'a.pth'
    torch.save({
        'model': {'w': torch.ones(2)},
        'args': argparse.Namespace(lr=.1),
        'callbacks': {module.Callback: {'best': 1}},
        'node': module.Node(a=module.Callback()), 'bag': module.Bag([1]),
        'function': module.function, 'numpy': np.float64(3), 'set': {1, 2},
        'counts': defaultdict(int, a=1)}, path, pickle_protocol=protocol)
    monkeypatch.delitem(sys.modules, 'gone')
    content = read_foreign(path)
    assert 'gone' not in sys.modules
    assert torch.equal(content['model']['w'], torch.ones(2))
    for name, wanted in (('args', 'argparse.Namespace'),
                         ('function', 'gone.function')):
        assert isinstance(content[name], Placeholder)
        assert content[name].path == wanted
    assert content['node'].path == 'gone.Node'
    assert content['args'].state == {'lr': .1}
    key, = content['callbacks']
    assert (key.path, key.args) == ('gone.Callback', None)
    for name in ('node', 'bag', 'numpy', 'set'):
        assert isinstance(content[name], Placeholder)
    assert content['counts'] == {'a': 1}


@pytest.mark.parametrize('kind', ['system', 'eval', 'getattr', 'type_v2'])
@pytest.mark.parametrize('legacy', [False, True])
def test_crafted_files_execute_nothing(tmp_path, kind, legacy):
    path, witness = tmp_path / 'evil.pth', tmp_path / 'executed'
    torch.save({'model': crafted(kind, witness)}, path,
               _use_new_zipfile_serialization=not legacy)
    if kind == 'type_v2':  # takes the place of a tensor
        with pytest.raises(CheckpointError, match='no checkpoint'):
            read_foreign(path)
    else:
        assert isinstance(read_foreign(path)['model'], Placeholder)
    assert not witness.exists()


def test_no_second_file_is_loaded(tmp_path):
    path, witness = tmp_path / 'evil.pth', tmp_path / 'executed'
    file_in_file(path, witness)
    assert read_foreign(path)['model'].path == 'torch.serialization.load'
    assert not witness.exists()


def test_every_opcode_that_makes_objects_is_inert(tmp_path):
    witness = tmp_path / 'executed'
    files = list(by_opcodes(witness))
    for content in files:
        result = load(io.BytesIO(content))
        assert isinstance(result, Placeholder)
        assert result.args is not None
    assert not witness.exists()
    for content in files[:3]:  # they are what they seem to be
        pickle.loads(content)
        assert witness.exists()
        witness.unlink()


STORAGE = Pid('storage', torch.FloatStorage, 'x', 'cpu', 4)


@pytest.mark.parametrize('arguments', [
    (STORAGE, 0, (1 << 40, ), (0, )),  # more than is there, and all memory
    (STORAGE, 0, (5, ), (1, )), (STORAGE, 3, (2, ), (1, )),
    (STORAGE, -1, (2, ), (1, )), (STORAGE, 0, (2, ), (-1, )),
    (STORAGE, 0, ('a' * 99, 1 << 30), (1, )), ('abc', 0, (2, ), (1, )),
    (Pid('storage', torch.FloatStorage, 'y', 'cpu', 4), 0, (4, ), (1, )),
    (Pid('storage', torch.FloatStorage, 'x', 'cpu', 1 << 50), 0, (4, ),
     (1, )),
    (Pid('module', 'x'), 0, (4, ), (1, )),
    (Pid('storage', os.system, 'x', 'cpu', 4), 0, (4, ), (1, )),
    (Pid('storage', torch.FloatStorage, ['x'], 'cpu', 4), 0, (4, ), (1, )),
])
def test_tensors_stay_within_their_storage(tmp_path, arguments):
    path = tmp_path / 'a.pth'
    zip_with(path, pickled({'w': Reduce(torch._utils._rebuild_tensor_v2,
                                        *arguments, False, {})}),
             x=struct.pack('4f', 1, 2, 3, 4))
    with pytest.raises(CheckpointError, match='damaged'):
        read_foreign(path)


def test_the_same_file_with_sound_arguments(tmp_path):
    path = tmp_path / 'a.pth'
    zip_with(path, pickled({'w': Reduce(
        torch._utils._rebuild_tensor_v2, STORAGE, 1, (3, ), (1, ), False,
        {})}), x=struct.pack('4f', 1, 2, 3, 4))
    assert read_foreign(path)['w'].tolist() == [2, 3, 4]


@pytest.mark.parametrize('bomb', [
    b'\x80\x05\x96' + struct.pack('<Q', 1 << 40) + b'.',  # BYTEARRAY8
    b'\x80\x04\x8e' + struct.pack('<Q', 1 << 40) + b'.',  # BINBYTES8
    b'\x80\x04\x95' + struct.pack('<Q', 1 << 40) + b'.',  # FRAME
    b'I' + b'9' * 10000 + b'\n.',
])
def test_pickle_bombs(tmp_path, bomb):
    zip_with(tmp_path / 'a.pth', bomb)
    with pytest.raises(CheckpointError, match='damaged'):
        read_foreign(tmp_path / 'a.pth')


def test_a_key_whose_hash_would_overflow_the_stack(tmp_path):
    deep = b'(' * 100000 + b't' * 100000
    zip_with(tmp_path / 'a.pth', b'}(' + deep + b'K\x01u.')
    key, = read_foreign(tmp_path / 'a.pth')
    assert isinstance(key, Placeholder)


def test_shared_lists_are_not_written_out(tmp_path):
    """A list of lists of ... 2^60 items, in a message too."""
    nested = ['x']
    for _ in range(60):
        nested = [nested, nested]
    zip_with(tmp_path / 'a.pth', pickle.dumps(nested, 2))
    with pytest.raises(CheckpointError, match='no dict of weights but a list'
                       ):
        read_foreign(tmp_path / 'a.pth')
    zip_with(tmp_path / 'b.pth', pickle.dumps(
        {'w': Reduce(OrderedDict, [((tuple(nested), ), 1)])}, 2))
    key, = read_foreign(tmp_path / 'b.pth')['w']
    assert isinstance(key, Placeholder)


def test_a_large_pickle_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr('rcg.checkpoint.torch_files.MAX_BYTES', 1000)
    zip_with(tmp_path / 'a.pth', pickle.dumps(['x' * 2000]))
    with pytest.raises(CheckpointError, match=r'pickle has 2,0\d\d bytes'):
        read_foreign(tmp_path / 'a.pth')


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('share', [.001, .3, .99])
def test_truncated(tmp_path, legacy, share):
    path = tmp_path / 'a.pth'
    torch.save(weights() | {'w': torch.rand(1000)}, path,
               _use_new_zipfile_serialization=not legacy)
    os.truncate(path, int(os.path.getsize(path) * share) + 2)
    with pytest.raises(CheckpointError, match='truncated'):
        read_foreign(path)


def test_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match='none'):
        read_foreign(tmp_path / 'none.pth')


def test_other_bytes_are_no_checkpoint(tmp_path):
    (tmp_path / 'a.pth').write_bytes(b'GIF89a' + bytes(1000))
    with pytest.raises(CheckpointError, match='no checkpoint'):
        read_foreign(tmp_path / 'a.pth')
