"""Frozen parts are found by what they look like, also inside each other."""
import torch
from torch import nn

from rcg.engine.frozen_parts import describe_parts, frozen_parts, part_digest

from .toy import ToyPart


def nested():
    model = nn.Module()
    model.child = nn.Module()
    model.child.outer = ToyPart('outer.pth', 'abc')
    model.child.outer.module.inner = ToyPart(None, None)
    return model


def test_found_by_path():
    assert list(frozen_parts(nested())) == ['child.outer',
                                            'child.outer.inner']


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
