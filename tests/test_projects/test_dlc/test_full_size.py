"""All configs build on the meta device, those of ImageNet at full size."""
from pathlib import Path

import pytest
import torch

from rcg.engine import load_config
from tests.test_configs import build, check_parts, count

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / 'projects/dlc/configs'
META = torch.device('meta')


def load(name, **options):
    return load_config(str(FOLDER / f'{name}.py'), options)


@pytest.mark.parametrize('name', sorted(
    str(path.relative_to(FOLDER).with_suffix(''))
    for path in FOLDER.rglob('*.py') if path.stem != 'parts'))
def test_leaf(name):
    # The weights of DINOv2 would be downloaded.
    options = {'model.encoder.encoder.pretrained': False}
    cfg = load(name, **(options if name == 'imagenet/dlc_encoder' else {}))
    assert cfg.work_dir.endswith(name.rpartition('/')[2])
    model = build(cfg)
    check_parts(model)
    if cfg.model.type != 'MoCoV3':
        encoder = model.encoder.module
        assert encoder.rep_codes == (256 if 'imagenet' in name else 16)
    if name.endswith('/dlc_prior') and cfg.val_evaluator is not None:
        assert cfg.val_evaluator.encoder == cfg.model.encoder
        assert cfg.test_evaluator == cfg.val_evaluator
    if name != 'imagenet/dlc_dit_xl':
        return
    # All but the table is the published DiT-XL/2 but for its labels.
    plain = build(load_config(str(ROOT / 'configs/rcg/dit_xl_class_cond.py')))
    network, other = model.generator.network, plain.generator.network
    table = count(network.condition_embed)
    assert table == 512 * 257 * 1152
    assert count(network) - table == (
        count(other) - count(other.condition_embed))
    assert model.generator.guidance_scale == 1.5
    assert cfg.train_cfg.max_samples == 800 * 5004 * 256
    # DINOv2 ViT-L with its head, and the prior.
    vit = encoder.backbone.backbone
    assert (encoder.feature_dim, encoder.rep_dim) == (5 * 1024, 512)
    assert count(encoder.sem_embed) == 5 * 1024 * 512 * 256
    assert round(count(vit) / 1e6) == 303
    # A published SEDD has 322,549,249, of which 1,025 are of the score of
    # "hidden", which nothing reads.
    assert count(model.rdm.on(META)) == 322549249 - 1025
