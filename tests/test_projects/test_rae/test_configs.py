"""The project's configs: the published sizes on "meta"."""
from pathlib import Path

import pytest
import torch

from rcg.engine import load_config
from tests.test_configs import build, check_parts, count

CONFIGS = Path(__file__).parents[3] / 'projects/rae/configs'
FULL = CONFIGS / 'imagenet'


def offline(name):
    """A config of ImageNet without weights that would be downloaded."""
    cfg = load_config(str(FULL / f'{name}.py'))
    model = cfg.model.get('tokenizer', cfg.model)
    model.encoder.pretrained = False
    cfg.model.pop('perceptual', None)  # its files, too
    return cfg


def test_the_published_tokenizer():
    tokenizer = build(offline('tokenizer')).tokenizer
    encoder = tokenizer.encoder.module
    features = encoder.feature_map(torch.empty(2, 3, 256, 256,
                                               device='meta'))
    assert features.shape == (2, 768, 16, 16)  # of 224x224 pixels
    tokenizer.normalization.check(features)
    assert tokenizer.decode(features).shape == (2, 3, 256, 256)
    # ViT-XL: 28 blocks of width 1152, MLPs of 4096.
    assert count(tokenizer.decoder) == 415_055_488
    assert tokenizer.decoder.blocks[0].mlp.fc1.out_features == 4096
    assert count(encoder) == 85_727_232
    assert tokenizer.grid_size(256) == 16


@pytest.mark.parametrize(('name', 'ours'), [
    ('dit_dh_xl', 837_191_008), ('dit_dh_xl_uncond', 836_894_688),
    # Published: 839 M (arXiv:2510.11690), with labels.
    ('dit_dh_xl_label', 838_047_840)])
def test_the_published_generator(name, ours):
    model = build(offline(name))
    check_parts(model)
    network = model.generator.network
    assert count(network) == ours
    assert ours / 1e6 == pytest.approx(839, rel=3e-3)
    assert (network.in_channels, network.input_size) == (768, 16)
    # sqrt(dimension / 4096), in training and in sampling.
    assert model.generator.diffusion.schedule_sampler.shift == 48**.5
    assert model.generator.sampler.where['shift'] == 48**.5


def test_statistics_have_the_size_of_the_codes():
    model = build(offline('normalization'))
    assert model.total.shape == model.normalization.mean.shape == (
        768, 16, 16)


@pytest.mark.parametrize('prefix', ['digits/rae_', 'imagenet/'])
def test_the_decoder_gets_what_the_statistics_are_of(prefix):
    statistics, tokenizer = (
        load_config(str(CONFIGS / f'{prefix}{name}.py'))
        for name in ('normalization', 'tokenizer'))
    ours = tokenizer.model.tokenizer.normalization
    loaded = ours.pop('init_cfg')
    assert ours == statistics.model.normalization
    assert loaded.checkpoint == statistics.work_dir
    assert tokenizer.model.tokenizer.encoder == statistics.model.encoder
