"""Arrays of numpy come out of files without numpy's help."""
import io
import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from rcg.checkpoint import CheckpointError, read_checkpoint, to_plain
from rcg.checkpoint.foreign import read_foreign
from rcg.checkpoint.inert import Placeholder, load
from rcg.checkpoint.tensors import TensorMaker

from .crafted import Reduce, pickled, zip_with

core = getattr(np, '_core', None) or np.core
reconstruct, scalar = core.multiarray._reconstruct, core.multiarray.scalar


def same(found, wanted):
    """Whether a value is what :func:`to_plain` makes of the original."""
    if isinstance(wanted, torch.Tensor):
        return (isinstance(found, torch.Tensor) and torch.equal(found, wanted)
                and found.dtype == wanted.dtype)
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(
            same(found[name], wanted[name]) for name in wanted)
    return type(found) is type(wanted) and found == wanted


@pytest.mark.parametrize('protocol', [2, 3, 4])
@pytest.mark.parametrize('legacy', [False, True])
def test_a_file_of_stock_mmengine(tmp_path, legacy, protocol):
    """numpy in the message hub, in meta and in the optimizer."""
    path, history = tmp_path / 'a.pth', HistoryBuffer()
    for i in range(5):
        history.update(i / 3, i + 1)
    content = {
        'meta': {'seed': np.int64(3), 'palette': np.arange(6).reshape(2, 3),
                 'classes': np.array(['a', 'bcd']), 'on': np.bool_(True)},
        'message_hub': {
            'log_scalars': {'train/loss': history},
            'runtime_info': {'best': np.float32(.1), 'text': np.str_('x')}},
        'optimizer': {'state': {0: {'exp_avg': torch.ones(3)}},
                      'param_groups': [{'lr': np.float64(.1), 'betas':
                                        (np.float64(.9), .95)}]},
        'columns': np.asfortranarray(np.arange(24.).reshape(2, 3, 4)),
        'bytes': b'\0\xff', 'none': b'', 'empty': np.zeros((0, 3)),
        np.int64(7): 'a key'}
    torch.save(content, path, pickle_protocol=protocol,
               _use_new_zipfile_serialization=not legacy)
    found, wanted = read_checkpoint(path), to_plain(content)
    wanted[7] = wanted.pop(np.int64(7))
    optimizers = found.pop('optimizer'), wanted.pop('optimizer')
    assert same(found, wanted)
    for group in (it['param_groups'][0] for it in optimizers):
        assert group == {'lr': .1, 'betas': (.9, .95)}
        assert type(group['betas'][0]) is float


@pytest.mark.parametrize('code', '?bBhHiIlLefdFD')
def test_every_type_of_number(tmp_path, code):
    array = np.arange(12).reshape(3, 4).astype(code)
    torch.save({'x': array, 'one': array[1, 2]}, tmp_path / 'a.pth')
    found = read_checkpoint(tmp_path / 'a.pth')
    assert same(found, {'x': torch.from_numpy(array),
                        'one': array[1, 2].item()})


def dtype(code='f8', order='<', subtype=None, names=None, fields=None,
          width=-1):
    return Reduce(np.dtype, code, False, True, state=(
        3, order, subtype, names, fields, width, -1, 0))


def array(shape, kind, content, fortran=False):
    return Reduce(reconstruct, np.ndarray, (0, ), b'b',
                  state=(1, shape, kind, fortran, content))


ATTACKS = {
    'pointers': Reduce(np.ndarray, (4, ), 'O', b'A' * 32),
    'fields with pointers': Reduce(np.ndarray, (4, ), 'S8,O', b'A' * 64),
    'no memory': Reduce(np.ndarray, (1 << 30, )),
    'what lies in memory': Reduce(np.ndarray, (65536, ), 'f8'),
    'a file': Reduce(np.fromfile, '/etc/hostname', 'u1'),
    'a map': Reduce(np.memmap, '/etc/hostname'),
    'unset': Reduce(reconstruct, np.ndarray, (1 << 40, ), b'b'),
    'too few bytes': array((4, ), dtype(), bytes(31)),
    'too many bytes': array((4, ), dtype(), bytes(33)),
    'a wide type': array((4, ), dtype('S8', '|', width=8 << 20), bytes(32)),
    'a false width': array((4, ), dtype(width=1 << 20), bytes(32)),
    'a width of none': array((1 << 50, ), dtype('S0', '|', width=0), b''),
    'objects': array((1, ), dtype('O8', '|'), [1]),
    'bytes as objects': array((1, ), dtype('O8', '|'), b'A' * 8),
    'void': array((1, ), dtype('V8', '|', width=8), bytes(8)),
    'fields': array((1, ), dtype('V8', '|', None, ('a', ), {
        'a': (Reduce(np.dtype, 'O8', False, True), 0)}, 8), bytes(8)),
    'names of fields': array((1, ), dtype(names=('a', )), bytes(8)),
    'a type of arrays': array((1, ), dtype(subtype=(np.float64, (9, ))),
                              bytes(8)),
    'big-endian': array((1, ), dtype(order='>'), bytes(8)),
    'dates': array((1, ), dtype('M8'), bytes(8)),
    'no type': array((1, ), 'f8', bytes(8)),
    'negative': array((-1, ), dtype(), bytes(8)),
    'overflow': array((1 << 62, 4), dtype(), b''),
    'overflow of strides': array((0, 1 << 40, 1 << 40), dtype(), b''),
    'many dimensions': array((1, ) * 100, dtype(), bytes(8)),
    'a shape of floats': array((1., ), dtype(), bytes(8)),
    'a shape of truths': array((True, ), dtype(), bytes(8)),
    'a list for bytes': array((1, ), dtype(), [0] * 8),
    'a short state': Reduce(reconstruct, np.ndarray, (0, ), b'b',
                            state=(1, (1, ))),
    'letters beyond Unicode': array((1, ), dtype('U1', width=4), b'\xff' * 4),
    'truths': array((1, ), dtype('b1', '|'), b'\2'),
    'many texts': array((1 << 17, ), dtype('S1', '|', width=1),
                        b'a' * (1 << 17)),
    'a number of objects': Reduce(scalar, dtype('O8', '|'), b'A' * 8),
    'a number too short': Reduce(scalar, dtype(), b'A'),
    'a number of nothing': Reduce(scalar),
    'a type alone': dtype(),
    'a generator': Reduce(np.random.default_rng),
}


@pytest.mark.parametrize('name', ATTACKS)
def test_crafted_arrays_are_refused(tmp_path, name):
    path = tmp_path / 'a.pth'
    zip_with(path, pickled({'message_hub': {'x': ATTACKS[name]}}))
    with pytest.raises(CheckpointError, match=r'was refused|is no checkpoint'
                       ) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)
    found = read_foreign(path)['message_hub']['x']
    assert isinstance(found, Placeholder)


def test_a_type_that_changes_after_its_use(tmp_path):
    """An array of 4 bytes each, whose type becomes 64 KB wide."""
    kind = dtype('S8', '|', width=8)
    text = pickled({'x': [array((4, ), kind, bytes(32)), kind]})
    # The second use of the type gets another state.
    again = pickled((3, '|', None, None, None, 1 << 16, 1, 0))[2:-1]
    assert text.endswith(b'es.')
    zip_with(tmp_path / 'a.pth', text[:-3] + again + b'bes.')
    with pytest.raises(CheckpointError):
        read_checkpoint(tmp_path / 'a.pth')


def test_one_array_is_not_copied_without_end(tmp_path):
    """64 KB that 10,000 arrays refer to would be 640 MB."""
    kind, content = dtype(), bytes(65536)
    zip_with(tmp_path / 'a.pth', pickled(
        [array((8192, ), kind, content) for _ in range(10_000)], 4))
    with pytest.raises(CheckpointError, match='more arrays than bytes'):
        read_checkpoint(tmp_path / 'a.pth')


def test_nothing_of_numpy_or_torch_is_called():
    """Not one attack, but all: which functions a file can reach."""
    functions = TensorMaker(None, 0, 0).functions()
    assert len(functions) == 13
    for name, function in functions.items():
        assert function.__module__ == 'rcg.checkpoint.tensors', name
    for module in (np, core.multiarray, np.lib.format, torch, torch._utils,
                   torch.serialization, torch._tensor, os, io, pickle):
        for name in dir(module):
            text = b'c%b\n%b\n.' % (module.__name__.encode(), name.encode())
            assert type(load(io.BytesIO(text), functions)) is Placeholder
