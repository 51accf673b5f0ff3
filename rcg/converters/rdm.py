"""RDM checkpoints of the published code <-> :class:`rcg.models.RDM`."""
from collections.abc import Mapping

from torch import Tensor

from rcg.converters.averages import AveragedLayout

_LABELS = 'label_embed.weight'
_BLOCK = 'res_blocks.{0}.'
_NETWORK = {
    'time_embed.{0}.*': 'time_embed.{0}.*',
    'input_proj.*': 'input_proj.*',
    _BLOCK + 'in_layers.0.*': 'blocks.{0}.norm1.*',
    _BLOCK + 'in_layers.2.*': 'blocks.{0}.fc1.*',
    _BLOCK + 'emb_layers.1.*': 'blocks.{0}.time_proj.*',
    _BLOCK + 'context_layers.1.*': 'blocks.{0}.context_proj.*',
    _BLOCK + 'out_layers.0.*': 'blocks.{0}.norm2.*',
    _BLOCK + 'out_layers.3.*': 'blocks.{0}.fc2.*',
    'out.0.*': 'norm.*',
    'out.2.*': 'output_proj.*',
}
_LAYOUT = AveragedLayout(
    'an RDM checkpoint',
    {theirs: 'denoiser.' + ours for theirs, ours in _NETWORK.items()},
    _LABELS)

rdm_ignored = _LAYOUT.ignored
rdm_to_published = _LAYOUT.to_published


def rdm_from_published(state: Mapping[str, Tensor],
                       averaged: bool = True) -> dict[str, Tensor]:
    """Rename as :meth:`AveragedLayout.from_published` does.

    An unconditional file holds a label embedding of one row. Its network
    ignores it, and so it is left out.

    Returns:
        ``denoiser.*`` and, for a class-conditional RDM, ``label_embed.*``.
    """
    converted = _LAYOUT.from_published(state, averaged)
    if not any('.context_proj.' in name for name in converted):
        converted.pop(_LABELS, None)
    return converted
