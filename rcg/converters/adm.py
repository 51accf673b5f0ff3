"""ADM checkpoints of the published RCG code <-> :class:`UNet`.

A file holds live weights under ``model`` and averages under ``model_ema``,
with the same names. Neither includes the encoder.
"""
from collections.abc import Mapping

from torch import Tensor

from rcg.converters.layout import Layout
from rcg.converters.vqgan import joined

# Shared with the network of latent diffusion.
STAGES = {
    'input_blocks.{1}.{0}.': 'down.{0}.{0}.',
    'middle_block.{0}.': 'middle.{0}.',
    'output_blocks.{0}.{0}.': 'up.{0}.{0}.',
}
UNET = {
    'time_embed.{0}.*': 'time_embed.{0}.*',
    'input_blocks.0.0.*': 'conv_in.*',
    **joined(STAGES, {
        'in_layers.0.*': 'norm1.*',
        'in_layers.2.*': 'conv1.*',
        'emb_layers.1.*': 'time_proj.*',
        'out_layers.0.*': 'norm2.*',
        'out_layers.3.*': 'conv2.*',
        'skip_connection.*': 'shortcut.*',
    }),
    'input_blocks.{1}.{0}.op.*': 'down.{0}.{0}.conv.*',
    'output_blocks.{0}.{0}.conv.*': 'up.{0}.{0}.conv.*',
    'out.0.*': 'norm.*',
    'out.2.*': 'conv_out.*',
}
_MATRICES = ('.qkv.weight', '.proj_out.weight')
_LAYOUT = Layout(
    'an ADM checkpoint',
    names={
        **UNET,
        **joined(STAGES, {
            'norm.*': 'norm.*', 'qkv.*': 'qkv.*', 'proj_out.*': 'proj.*'}),
        'rep_proj.*': 'condition_embed.condition_proj.*',
        'label_emb.*': 'condition_embed.embedding.*',
    },
    needed={'input_blocks.': "Give the file's entry 'model_ema' or 'model'."})

adm_ignored = _LAYOUT.ignored


def adm_from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A published ``model`` or ``model_ema`` as a state dict of our UNet.

    Raises:
        KeyError: The file holds a tensor that no ADM has.
    """
    # Published attention layers are convolutions of size 1, ours are linear.
    return {name: tensor.squeeze(-1) if tensor.ndim == 3 else tensor
            for name, tensor in _LAYOUT.from_published(state).items()}


def adm_to_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of :func:`adm_from_published`."""
    return {name: tensor[..., None] if name.endswith(_MATRICES) else tensor
            for name, tensor in _LAYOUT.to_published(state).items()}
