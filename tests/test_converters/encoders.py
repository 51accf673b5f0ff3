"""What every published encoder is tested for."""
import math
from pathlib import Path

import torch

from rcg.engine import load_config
from rcg.registry import ENCODERS
from tests.reference import load_manifest

CONFIGS = Path(__file__).parents[2] / 'configs/_base_/encoders'


def sizes_of(config):
    """Arguments that all our ViTs share, from a case's config."""
    return dict(
        img_size=config.get('img_size', 224),
        vit=dict(patch_size=config.get('patch', 16),
                 embed_dim=config['embed_dim'], depth=config['depth'],
                 num_heads=config['heads'],
                 mlp_ratio=config.get('mlp_ratio', 4)))


def check_way_back(weights, from_published, to_published, ignored):
    """The same tensors, not copies, under their published names."""
    names = list(weights)
    back = to_published(from_published(weights))
    assert back.keys() == {name for name in names if ignored(name) is None}
    assert all(back[name] is weights[name] for name in back)
    assert list(weights) == names  # the input is as it was


def build_base(name):
    """The encoder of a base config, on the meta device."""
    cfg = load_config(str(CONFIGS / f'{name}.py')).encoder.to_dict()
    assert Path(cfg.pop('checkpoint')).name == f'{name}.safetensors'
    with torch.device('meta'):
        return ENCODERS.build(cfg)


def check_manifest(name, config, key, from_published, to_published, ignored):
    """A full-size file and the encoder of our config, both ways.

    Returns:
        (int): Number of values that the file has for our encoder.
    """
    wanted = {tensor: tuple(shape) for tensor, (shape, _) in
              load_manifest(name)[key].items() if ignored(tensor) is None}
    encoder = build_base(config)
    published = {tensor: torch.empty(shape, device='meta')
                 for tensor, shape in wanted.items()}
    encoder.load_state_dict(from_published(published), assign=True)
    back = to_published(encoder.state_dict())
    assert {tensor: tuple(t.shape) for tensor, t in back.items()} == wanted
    return sum(math.prod(shape) for shape in wanted.values())
