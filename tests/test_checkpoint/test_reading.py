"""Reading: stock files work, crafted files execute nothing."""
import contextlib
import os
import pickle
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from safetensors.torch import save_file
from torch import nn

from rcg.checkpoint import CheckpointError, read_checkpoint, to_plain

from .crafted import Reduce, crafted


@pytest.mark.parametrize('kind', ['system', 'eval', 'getattr', 'type_v2'])
@pytest.mark.parametrize('legacy', [False, True])
def test_crafted_file_is_refused_and_executes_nothing(tmp_path, kind, legacy):
    path, witness = tmp_path / 'evil.pth', tmp_path / 'executed'
    torch.save({'state_dict': crafted(kind, witness)}, path,
               _use_new_zipfile_serialization=not legacy)
    reason = ('made by something else' if kind == 'type_v2' else
              'was refused: it holds more than weights')
    with pytest.raises(CheckpointError, match=reason):
        read_checkpoint(path)
    assert not witness.exists()


def test_of_a_history_only_statistics_may_be_named(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save({'x': Reduce(getattr, HistoryBuffer, 'mean')}, path)
    assert read_checkpoint(path) == {'x': 'mean'}
    torch.save({'x': Reduce(getattr, HistoryBuffer, '__init__')}, path)
    with pytest.raises(CheckpointError, match="'__init__' refused"):
        read_checkpoint(path)


def test_the_crafted_files_would_work_otherwise(tmp_path):
    path, witness = tmp_path / 'evil.pth', tmp_path / 'executed'
    torch.save({'state_dict': crafted('type_v2', witness)}, path)
    with contextlib.suppress(Exception):  # it fails after the damage
        torch.load(path, weights_only=False)
    assert witness.exists()


def test_bare_pickle_is_refused(tmp_path):
    path, witness = tmp_path / 'evil.pth', tmp_path / 'executed'
    path.write_bytes(pickle.dumps(crafted('system', witness), 2))
    with pytest.raises(CheckpointError):
        read_checkpoint(path)
    assert not witness.exists()


def test_config_text_is_dropped(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save({'meta': {'config': "open('x', 'w')", 'iter': 3}}, path)
    assert read_checkpoint(path)['meta'] == {'iter': 3}


def test_stock_mmengine_file(tmp_path):
    path = tmp_path / 'a.pth'
    history = HistoryBuffer([1., 2.], [1, 1])
    torch.save({'state_dict': {'w': torch.ones(2)}, 'message_hub': {
        'log_scalars': {'train/loss': history},
        'runtime_info': {'best': np.float64(3), 'text': np.array(['a'])},
        'resumed_keys': {}}}, path)
    content = read_checkpoint(path)
    saved = content['message_hub']['log_scalars']['train/loss']
    assert saved['values'].tolist() == [1., 2.]
    assert saved['max_length'] == history.max_length
    assert content['message_hub']['runtime_info'] == {'best': 3.,
                                                      'text': ['a']}


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('protocol', [2, 3, 4, 5])
def test_what_torch_takes_for_plain(tmp_path, protocol, legacy):
    path, base = tmp_path / 'a.pth', torch.arange(24.).reshape(4, 6)
    tensors = {'part': base.T[1:, 2:], 'expanded': base[:1].expand(5, 6),
               'complex': base.to(torch.complex64), 'parameter':
               nn.Parameter(base), 'trained': base.clone().requires_grad_()}
    if not legacy:  # torch itself cannot read these from the old format
        tensors |= {'u2': base.to(torch.uint16), 'u8': base.to(torch.uint64),
                    'f1': base.to(torch.float8_e4m3fn)}
    values = {
        'type': torch.bfloat16, 'device': torch.device('cuda', 1),
        'set': {1, 'a'}, 'counter': Counter('aab'), 'size': torch.Size([2]),
        'ordered': OrderedDict(a=1), 'lists': defaultdict(list, a=[1]),
        'numbers': (10**50, -5, 1e300, True, None), 'text': ['\xfc', b'\xff']}
    torch.save({'tensors': tensors, 'values': values}, path,
               pickle_protocol=protocol,
               _use_new_zipfile_serialization=not legacy)
    content = read_checkpoint(path)
    assert content['values'] == values
    for name, value in tensors.items():
        found = content['tensors'][name]
        assert (found.dtype, found.stride()) == (value.dtype, value.stride())
        assert type(found) is torch.Tensor
        assert found.tolist() == value.tolist()


@pytest.mark.parametrize('name', ['a.pth', 'a.safetensors'])
def test_truncated(tmp_path, name):
    path = tmp_path / name
    weights = {'w': torch.rand(1000)}
    torch.save(weights, path) if name == 'a.pth' else save_file(weights, path)
    assert torch.equal(read_checkpoint(path)['w'], weights['w'])
    os.truncate(path, os.path.getsize(path) // 2)
    with pytest.raises(CheckpointError, match='truncated'):
        read_checkpoint(path)


def test_damaged_inside(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save({'w': torch.rand(1000)}, path)
    content = bytearray(path.read_bytes())
    start = content.index(b'\x80\x02')  # the pickle within the zip file
    content[start:start + 40] = b'\xff' * 40
    path.write_bytes(bytes(content))
    with pytest.raises(CheckpointError):
        read_checkpoint(path)


def test_missing_and_not_a_dict(tmp_path):
    with pytest.raises(FileNotFoundError, match='none.pth'):
        read_checkpoint(tmp_path / 'none.pth')
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(CheckpointError, match='list, not a dict'):
        read_checkpoint(tmp_path / 'list.pth')


def test_to_plain_needs_no_allowance(tmp_path):
    path = tmp_path / 'a.pth'
    value = {'h': HistoryBuffer([1.], [1]), 'n': (np.int64(3), [np.ones(2)])}
    torch.save(to_plain(value), path)
    content = torch.load(path, weights_only=True)
    assert content['h']['values'].tolist() == [1.]
    assert content['n'][0] == 3
    assert torch.equal(content['n'][1][0], torch.ones(2).double())
