"""Weights published with MoCo v3 (github.com/facebookresearch/moco-v3).

RCG's ViT-L file has wrong names for four layers, which are corrected.
"""
from collections.abc import Mapping

from torch import Tensor

from rcg.converters.layout import VIT, Layout

_PREFIX = 'module.base_encoder.'
_MISNAMED = {
    'blocks.13.norm13.': 'blocks.13.norm1.',
    'blocks.13.mlp.fc13.': 'blocks.13.mlp.fc1.',
    'blocks.14.norm14.': 'blocks.14.norm2.',
    'blocks.14.mlp.fc14.': 'blocks.14.mlp.fc2.',
}
_LAYOUT = Layout(
    'a MoCo v3 pre-training checkpoint',
    names={
        **{_PREFIX + name: 'backbone.' + name for name in VIT},
        _PREFIX + 'head.{0}.*': 'head.{0}.*',
    },
    ignored={
        'module.momentum_encoder.': 'the target network of pre-training',
        'module.predictor.': 'the predictor of pre-training',
    },
    needed={
        _PREFIX: "Give the file's entry 'state_dict'.",
        _PREFIX + 'head.': 'A backbone without its projector does not give '
                           'the representations of RCG: take the file as '
                           'MoCo v3 published it.',
    })


def _renamed(name: str, pairs) -> str:
    for old, new in pairs:
        name = name.replace(_PREFIX + old, _PREFIX + new)
    return name


def mocov3_ignored(name: str) -> str | None:
    """See :meth:`Layout.ignored`."""
    return _LAYOUT.ignored(_renamed(name, _MISNAMED.items()))


def mocov3_from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """To ``MoCoV3ViT``; see :meth:`Layout.from_published`.

    Args:
        state: The entry ``state_dict`` of the published file.
    """
    return _LAYOUT.from_published({
        _renamed(name, _MISNAMED.items()): tensor
        for name, tensor in state.items()
    })


def mocov3_to_published(state: Mapping[str, Tensor],
                        misnamed: bool = False) -> dict[str, Tensor]:
    """From ``MoCoV3ViT``; see :meth:`Layout.to_published`.

    Args:
        state: State dict of the encoder.
        misnamed: Whether to give four layers their wrong names, as in RCG's
            ViT-L file.
    """
    pairs = [(right, wrong) for wrong, right in _MISNAMED.items() if misnamed]
    return {_renamed(name, pairs): tensor
            for name, tensor in _LAYOUT.to_published(state).items()}
