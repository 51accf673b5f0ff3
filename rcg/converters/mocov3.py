"""Weights published with MoCo v3 (github.com/facebookresearch/moco-v3).

RCG's ViT-L file has four layers under wrong names; they are put right.
"""
from torch import Tensor

_PREFIX = 'module.base_encoder.'
_MISNAMED = {
    'blocks.13.norm13.': 'blocks.13.norm1.',
    'blocks.13.mlp.fc13.': 'blocks.13.mlp.fc1.',
    'blocks.14.norm14.': 'blocks.14.norm2.',
    'blocks.14.mlp.fc14.': 'blocks.14.mlp.fc2.',
}


def convert_mocov3(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename to ``MoCoV3ViT``; drop momentum encoder and predictor.

    Args:
        state_dict: The entry ``state_dict`` of the published file.

    Raises:
        ValueError: Nothing in there is a MoCo v3 encoder's.
    """
    converted = {}
    for name, tensor in state_dict.items():
        if not name.startswith(_PREFIX):
            continue
        name = name.removeprefix(_PREFIX)
        for wrong, right in _MISNAMED.items():
            name = name.replace(wrong, right)
        if not name.startswith('head.'):
            name = 'backbone.' + name
        converted[name] = tensor.float() if (
            tensor.is_floating_point()) else tensor
    if not converted:
        raise ValueError(
            f"no weight is named '{_PREFIX}...', got "
            f'{sorted(state_dict)[:3]}; this converter reads the entry '
            "'state_dict' of a MoCo v3 pre-training checkpoint.")
    return converted
