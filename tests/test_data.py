"""The stored numbers of the published code: all there, and small."""
from pathlib import Path

import pytest

from tests.reference import load_manifest

DATA = Path(__file__).parent / 'data'
LIMIT = 21_000_000


def test_data_are_small():
    size = sum(p.stat().st_size for p in DATA.rglob('*') if p.is_file())
    assert size <= LIMIT


@pytest.mark.parametrize('variant', ['class', 'uncond'])
def test_a_variant_comes_with_all_its_tensors(variant):
    manifest = load_manifest(f'mage_b_{variant}')
    assert len(manifest['model']) == manifest['state_dict_count']
    assert ('class_emb.weight' in manifest['model']) == (variant == 'class')
