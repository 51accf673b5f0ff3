import pytest
import torch

from rcg.converters.deit import (
    deit_from_published,
    deit_ignored,
    deit_to_published,
)
from tests.reference import assert_reproduced, load_case
from tests.test_converters.encoders import check_manifest, check_way_back


def test_published_encoder():
    assert_reproduced('enc_deit')


def test_way_back():
    _, weights, _ = load_case('enc_deit')
    check_way_back(weights, deit_from_published, deit_to_published,
                   deit_ignored)


def test_refuses_other_files():
    _, weights, _ = load_case('enc_deit')
    with pytest.raises(KeyError, match=r'without distillation.*dist_token'):
        deit_from_published(weights | {'dist_token': torch.zeros(1, 1, 32)})
    headless = {name: tensor for name, tensor in weights.items()
                if not name.startswith('head.')}
    with pytest.raises(ValueError, match='without its classifier'):
        deit_from_published(headless)
    with pytest.raises(ValueError, match="'model'"):
        deit_from_published({'model.head.weight': torch.zeros(1)})


def test_full_size_file_fits():
    # What the paper calls 86M.
    assert check_manifest(
        'deit_vitb', 'deit_vit_b', 'model', deit_from_published,
        deit_to_published, deit_ignored) == 86_567_656
