"""Reference packs: what is found in those that are not right."""
import functools
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from rcg.verification.parity.pack import FAMILIES, find_cases, verify
from rcg.verification.parity.rules import judge, judge_pixels
from tests.reference import CASES

from .copied_pack import change, copy_cases
from .own_pack import write_encoder, write_mage, write_rdm


@pytest.fixture
def pack(tmp_path):
    return copy_cases(tmp_path)


def reasons(pack, name):
    outcome = verify(pack / 'cases' / name)
    assert outcome.status == 'failed'
    return ' '.join(outcome.reasons)


def test_every_stored_case_has_a_family():
    assert {family for family in FAMILIES for path in find_cases(CASES)
            if path.name.startswith(family)} == set(FAMILIES)


@pytest.mark.parametrize(('name', 'fault'), [
    ('features', 1e-3), ('rep_from_head', float('nan'))])
def test_a_wrong_number_is_found(pack, name, fault):
    change(pack / 'cases/enc_deit/data.safetensors',
           lambda tensors: tensors[name].view(-1)[3:4].add_(fault))
    assert reasons(pack, 'enc_deit') == f"'{name}' is out of tolerance"


def test_a_tensor_that_nothing_looks_at_is_found(pack):
    change(pack / 'cases/enc_deit/data.safetensors',
           lambda tensors: tensors.update(gram=torch.zeros(2)))
    assert "'gram' was neither compared" in reasons(pack, 'enc_deit')


def test_a_missing_tensor_is_found(pack):
    change(pack / 'cases/schedules/data.safetensors',
           lambda tensors: tensors.pop('pos.dit'))
    assert "'pos.dit' should be [9, 16]" in reasons(pack, 'schedules')


@pytest.mark.parametrize('name', ['head.bias', 'blocks.1.norm2.weight'])
def test_missing_weights_are_found(pack, name):
    change(pack / 'cases/enc_deit/weights.safetensors',
           lambda tensors: tensors.pop(name))
    assert 'should hold 32 tensors, got 31' in reasons(pack, 'enc_deit')
    config = pack / 'cases/enc_deit/config.json'
    facts = json.loads(config.read_text())
    config.write_text(json.dumps({**facts, 'weights': 31}))
    assert name in reasons(pack, 'enc_deit')


def test_weights_that_nothing_explains_are_found(pack):
    change(pack / 'cases/enc_deit/weights.safetensors', lambda tensors: (
        tensors.pop('head.bias'), tensors.update(tail=torch.zeros(2))))
    assert 'tail' in reasons(pack, 'enc_deit')


def test_unknown_cases_fail(pack):
    shutil.copytree(pack / 'cases/enc_deit', pack / 'cases/var_b')
    assert 'nothing checks such a case' in reasons(pack, 'var_b')


def test_rules():
    ones = torch.ones(4)
    assert judge('x', ones + 9e-6, ones).passed
    assert not judge('x', ones + 2e-5, ones).passed
    assert judge('x', ones + 2e-5, ones, floor=1e-6).passed
    assert not judge('sched.betas', ones + 2e-6, ones).passed
    third = ones.double() / 3
    assert not judge('x', third * (1 + 1e-11), third).passed
    assert judge('x', third * (1 + 1e-13), third).passed
    assert judge('loss.grad_norm', third * (1 + 5e-5), third).passed
    assert not judge('loss.grad_norm', third * (1 + 2e-4), third).passed
    assert not judge('ids', torch.tensor([1, 2]), torch.tensor([1, 3])).passed
    assert not judge('x', ones[:3], ones).passed
    known = torch.tensor([1., torch.inf])
    assert judge('x', known.clone(), known).passed
    assert not judge('x', torch.ones(2), known).passed


def test_rule_of_pixels():
    theirs = torch.full((10, 20), 7, dtype=torch.uint8)
    ours = theirs.clone()
    ours[0, :2] += 1  # 1 %
    assert judge_pixels(ours, theirs, same_pillow=False).passed
    assert not judge_pixels(ours, theirs, same_pillow=True).passed
    ours[0, 2] += 1
    assert not judge_pixels(ours, theirs, same_pillow=False).passed
    ours = theirs.clone()
    ours[0, 0] += 2
    assert not judge_pixels(ours, theirs, same_pillow=False).passed


@pytest.mark.parametrize('write', [
    write_encoder, write_rdm, write_mage,
    functools.partial(write_rdm, hidden=12),
    functools.partial(write_rdm, conditional=False, hidden=50,
                      parameterization='x0')])
def test_other_sizes_and_flags(write, tmp_path):
    """It knows no number: a pack of our own making, then one bit less."""
    folder = write(tmp_path)
    outcome = verify(folder)
    assert outcome.status == 'passed', outcome.reasons
    assert {row.tensor for row in outcome.tensors} | set(outcome.inputs) >= (
        load_file(folder / 'data.safetensors').keys())
    name = 'rep_from_head' if 'enc' in folder.name else 'rep'
    change(folder / 'data.safetensors',
           lambda tensors: tensors[name].view(-1)[:1].add_(.01))
    assert f"'{name}' is out of tolerance" in verify(folder).reasons


def test_a_hidden_width_that_the_weights_do_not_have(tmp_path):
    """It is read from the case, not from the shapes."""
    folder = write_rdm(tmp_path, hidden=12)
    path = folder / 'config.json'
    facts = json.loads(path.read_text())
    network = facts['config']['model']['params']['unet_config']['params']
    network['bottleneck_channels'] = 13
    path.write_text(json.dumps(facts))
    assert 'size mismatch' in ' '.join(verify(folder).reasons)
