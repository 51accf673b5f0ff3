"""Frozen parts register themselves, also inside each other."""
import copy

import torch
from torch import nn

from rcg.engine import distributed
from rcg.engine.frozen_parts import (
    describe_parts,
    frozen_parts,
    part_digest,
    share_hashes,
)
from rcg.frozen import Frozen, HasFrozenParts

from .toy import ToyPart


class Holder(HasFrozenParts, nn.Module):

    def __init__(self, part=None):
        super().__init__()
        self.outer = part


def nested():
    model = nn.Module()
    model.child = Holder(ToyPart('outer.pth', 'abc'))
    model.child.outer.module.inner = ToyPart(None, None)
    return model


def test_found_by_path():
    assert list(frozen_parts(nested())) == ['child.outer',
                                            'child.outer.inner']


def test_what_only_looks_like_a_part_is_none():
    model = nested()
    model.child.file = nn.Identity()
    model.child.file.checkpoint = model.child.file.sha256 = 'abc'
    assert list(frozen_parts(model)) == ['child.outer', 'child.outer.inner']


def test_a_part_may_be_replaced_and_removed():
    model, other = nested(), ToyPart('other.pth', 'def')
    model.child.outer = other
    assert frozen_parts(model) == {'child.outer': other}
    model.child.outer = None
    assert frozen_parts(model) == {}


def test_a_part_may_be_held_by_something_else():
    model, part = Holder(), ToyPart(None, None)
    model.strategy = [part]
    model.register_frozen_part('guide', part)
    assert frozen_parts(model) == {'guide': part}
    model.register_frozen_part('guide', None)
    assert frozen_parts(model) == {}


def test_copies_share_their_parts():
    model = nested()
    assert frozen_parts(copy.deepcopy(model)) == frozen_parts(model)


def test_a_part_is_no_module_and_has_its_module_s_attributes():
    part = Frozen(nn.Linear(2, 3))
    assert not isinstance(part, nn.Module)
    assert part.out_features == 3
    assert not part.module.training
    assert not part.weight.requires_grad


def test_description():
    assert describe_parts(nested())['child.outer'] == {
        'checkpoint': 'outer.pth', 'sha256': 'abc'}


def test_digest_is_of_the_file_or_else_of_the_weights():
    assert part_digest(ToyPart('a.pth', 'abc')) == 'abc'
    part = ToyPart(None, None)
    before = part_digest(part)
    assert part_digest(part) == before
    with torch.no_grad():
        part.module.weight[0, 0] += 1
    assert part_digest(part) != before


def test_files_are_hashed_on_the_first_process_for_all(monkeypatch):
    class Unread(ToyPart):

        @property
        def sha256(self):
            return self.told  # an error before it was told

        @sha256.setter
        def sha256(self, value):
            self.told = value

    model = Holder(Unread('outer.pth', None))

    def receive(found):
        found[:] = [{'outer': 'abc'}, None]

    monkeypatch.setattr(distributed, 'is_main_process', lambda: False)
    monkeypatch.setattr(distributed, 'broadcast_object_list', receive)
    share_hashes(model)
    assert model.outer.told == 'abc'
