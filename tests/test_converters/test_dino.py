import pytest
import torch

from rcg.converters.dino import (
    dino_from_published,
    dino_ignored,
    dino_to_published,
)
from tests.reference import assert_reproduced, load_case, load_manifest
from tests.test_converters.encoders import check_manifest, check_way_back


def test_published_encoder():
    assert_reproduced('enc_dino')


def test_way_back():
    _, weights, _ = load_case('enc_dino')
    check_way_back(weights, dino_from_published, dino_to_published,
                   dino_ignored)


def test_prototypes_may_be_weight_normed():
    _, weights, _ = load_case('enc_dino')
    prototypes = weights['head.last_layer.weight']
    normed = {name: tensor for name, tensor in weights.items()
              if 'last_layer' not in name}
    assert dino_from_published(normed).keys() == dino_from_published(
        weights).keys()  # nor need they be there
    normed['head.last_layer.weight_g'] = prototypes.norm(dim=1, keepdim=True)
    normed['head.last_layer.weight_v'] = prototypes
    assert dino_from_published(normed).keys() == dino_from_published(
        weights).keys()


def test_refuses_a_backbone_alone():
    _, weights, _ = load_case('enc_dino')
    backbone = {name: tensor for name, tensor in weights.items()
                if name.startswith('backbone.')}
    with pytest.raises(ValueError, match=r'head\.mlp.*backbone alone'):
        dino_from_published(backbone)
    plain = {name.removeprefix('backbone.'): tensor
             for name, tensor in backbone.items()}
    with pytest.raises(ValueError, match="'teacher'"):
        dino_from_published(plain)


def test_full_size_file_fits():
    manifest = load_manifest('dino_vitb')
    for name in manifest['must_be_present_and_dropped']:
        assert dino_ignored(name) == 'prototypes of pre-training'
    count = check_manifest('dino_vitb', 'dino_vit_b', 'teacher',
                           dino_from_published, dino_to_published,
                           dino_ignored)
    assert count == 85_798_656 + 768 * 2048 + 2048**2 + 2048 * 256 + 2 * (
        2048) + 256


def test_unknown_names():
    with pytest.raises(KeyError, match='no tensor'):
        dino_ignored('head.last_layer2.weight_g')  # iBOT's
    with pytest.raises(KeyError, match='no tensor'):
        dino_to_published({'head.weight': torch.zeros(1)})
