import pytest

from rcg.converters.ibot import (
    ibot_from_published,
    ibot_ignored,
    ibot_to_published,
)
from tests.reference import assert_reproduced, load_case, load_manifest
from tests.test_converters.encoders import check_manifest, check_way_back


def test_published_encoder():
    assert_reproduced('enc_ibot')


def test_way_back():
    _, weights, _ = load_case('enc_ibot')
    check_way_back(weights, ibot_from_published, ibot_to_published,
                   ibot_ignored)


def test_prototypes_need_not_be_weight_normed():
    _, weights, _ = load_case('enc_ibot')
    plain = {name.replace('weight_v', 'weight'): tensor
             for name, tensor in weights.items() if 'weight_g' not in name}
    assert 'head.last_layer2.weight' in plain
    assert ibot_from_published(plain).keys() == ibot_from_published(
        weights).keys()


def test_refuses_a_backbone_alone():
    _, weights, _ = load_case('enc_ibot')
    with pytest.raises(ValueError, match='which has the projector'):
        ibot_from_published({name: tensor for name, tensor in weights.items()
                             if name.startswith('backbone.')})


def test_full_size_file_fits():
    manifest = load_manifest('ibot_vitb')
    for name in manifest['must_be_present_and_dropped']:
        assert 'prototypes' in ibot_ignored(name)
    # As many as in DINO.
    assert check_manifest(
        'ibot_vitb', 'ibot_vit_b', 'teacher', ibot_from_published,
        ibot_to_published, ibot_ignored) == 91_943_168 + 197 * 768
