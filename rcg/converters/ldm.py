"""LDM checkpoints of the published RCG code <-> :class:`UNet`.

A file also holds the tokenizer (``first_stage_model.*``) and, if the network
is conditioned on representations, the encoder (``pretrained_encoder.*``).
"""
from collections.abc import Mapping

from torch import Tensor

from rcg.converters.adm import STAGES, UNET, joined
from rcg.converters.averages import AveragedLayout

_LABELS, _CONTEXT = 'condition_embed.embedding.weight', 'context'
_ATTENTION = {'to_q.*': 'q.*', 'to_k.*': 'k.*', 'to_v.*': 'v.*',
              'to_out.0.*': 'proj.*'}
_TRANSFORMER = {
    **joined({'attn1.': 'self_attn.', 'attn2.': 'cross_attn.'}, _ATTENTION),
    'norm1.*': 'norm_self.*',
    'norm2.*': 'norm_cross.*',
    'norm3.*': 'norm_mlp.*',
    'ff.net.0.proj.*': 'mlp.fc1.*',
    'ff.net.2.*': 'mlp.fc2.*',
}
_LAYOUT = AveragedLayout(
    'an LDM checkpoint',
    {
        **UNET,
        **joined(STAGES, {
            'norm.*': 'norm.*',
            'proj_in.*': 'proj_in.*',
            **joined({'transformer_blocks.0.': ''}, _TRANSFORMER),
            'proj_out.*': 'proj_out.*',
        }),
    },
    _LABELS)

ldm_ignored = _LAYOUT.ignored


def ldm_from_published(state: Mapping[str, Tensor],
                       averaged: bool = True) -> dict[str, Tensor]:
    """See :meth:`AveragedLayout.from_published`.

    Every file holds a label embedding. It is used only if the file holds no
    encoder; if it has a single row, the network is unconditional, and the row
    is its context.
    """
    converted = _LAYOUT.from_published(state, averaged)
    labels = converted.pop(_LABELS, None)
    if labels is not None and not any(
            name.startswith('pretrained_encoder.') for name in state):
        converted[_CONTEXT if len(labels) == 1 else _LABELS] = labels
    return converted


def ldm_to_published(state: Mapping[str, Tensor],
                     averaged: bool = True) -> dict[str, Tensor]:
    """The inverse of :func:`ldm_from_published`, for the tensors it keeps."""
    return _LAYOUT.to_published(
        {_LABELS if name == _CONTEXT else name: tensor
         for name, tensor in state.items()}, averaged)
