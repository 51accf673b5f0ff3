"""The published size on "meta"."""
from pathlib import Path

import pytest

from rcg.engine import load_config
from tests.test_configs import build, check_parts, count

FULL = Path(__file__).parents[3] / 'projects/mixture_source/configs/imagenet'


def offline(value):
    """A config without weights that would be downloaded."""
    if isinstance(value, dict):
        return {key: False if key == 'pretrained' else offline(inner)
                for key, inner in value.items()}
    return value


def load(name):
    cfg = load_config(str(FULL / f'{name}.py'))
    cfg.model = offline(cfg.model.to_dict())
    return cfg


@pytest.mark.parametrize(('name', 'ours'), [
    ('mixture_dit_dh_xl', 846_333_024),
    ('mixture_dit_dh_xl_uncond', 836_894_688)])
def test_the_published_generator(name, ours):
    model = build(load(name))
    check_parts(model)
    assert count(model.generator) == ours
    mixture = model.generator.source.mixture
    network = model.generator.network
    assert mixture.means.shape == mixture.stds.shape == (
        8192, network.in_channels, network.input_size, network.input_size)
    # 12.9 GB that no checkpoint holds.
    assert 8 * mixture.means.numel() == 12_884_901_888
    assert not any('mixture' in key for key in model.state_dict())


def test_the_mixture_is_fitted_to_the_clusters_that_condition():
    fitted, generator = load('mixture_codes'), load('mixture_dit_dh_xl')
    model = build(fitted)
    assert model.mixture.num == model.mixture.centroids.shape[0] == 8192
    ours = generator.model.generator
    assert ours.network.condition.clusters == fitted.model.clusters
    assert ours.source.mixture.checkpoint == fitted.work_dir
    assert {**fitted.model.mixture} == {
        key: value for key, value in ours.source.mixture.items()
        if key not in ('checkpoint', 'prefix')}
    assert generator.model.tokenizer == fitted.model.tokenizer
    assert build(load('representations')).encoder.rep_dim == 768
