"""Published KL-f8 files <-> :class:`AutoencoderKL`.

There are two layouts: ``kl_f8`` is that of the original code
(github.com/CompVis/latent-diffusion), ``kl_f8_diffusers`` that of
github.com/huggingface/diffusers. In the latter, attention has matrices instead
of 1x1 convolutions, and the decoder's levels count from the lowest resolution.
"""
import re
from collections.abc import Mapping

from torch import Tensor

from rcg.converters.layout import Layout
from rcg.converters.vqgan import HALVES, NAMES, joined

_QUANT = {name: name for name in ('quant_conv.*', 'post_quant_conv.*')}
_IGNORED = {
    'loss.': 'perceptual network and discriminator that trained it',
    'model_ema.': 'averages of weights; the others are those that were '
                  'published for use',
}
_ORIGINAL = Layout(
    'the original KL-f8',
    names={
        **{theirs: ours for theirs, ours in NAMES.items()
           if not theirs.startswith('quantize.')},
        **joined({f'{theirs}mid.attn_1.': f'{ours}middle.0.attention.'
                  for theirs, ours in HALVES.items()},
                 {'norm.*': 'norm.*', 'q.*': 'q.*', 'k.*': 'k.*',
                  'v.*': 'v.*', 'proj_out.*': 'proj.*'}),
        'encoder.down.{0}.downsample.conv.*': 'down.downsamplers.{0}.*',
        **_QUANT,
    },
    ignored=_IGNORED,
    needed={'quant_conv.': "Give the file's entry 'state_dict'."})

kl_f8_ignored = _ORIGINAL.ignored
kl_f8_from_published = _ORIGINAL.from_published
kl_f8_to_published = _ORIGINAL.to_published

_NORM = {'group_norm.*': 'norm.*'}
_NOW = _NORM | {'to_q.*': 'q.*', 'to_k.*': 'k.*', 'to_v.*': 'v.*',
                'to_out.0.*': 'proj.*'}
# Names in files from before 2023, such as Stability AI's.
_ONCE = _NORM | {'query.*': 'q.*', 'key.*': 'k.*', 'value.*': 'v.*',
                 'proj_attn.*': 'proj.*'}


def _names(attention: Mapping[str, str]) -> dict[str, str]:
    return {
        **joined({
            'encoder.down_blocks.{0}.resnets.{0}.': 'down.levels.{0}.{0}.',
            'encoder.mid_block.resnets.{0}.': 'down.middle.{0}.',
            'decoder.mid_block.resnets.{0}.': 'up.middle.{0}.',
            'decoder.up_blocks.{0}.resnets.{0}.': 'up.levels.{0}.{0}.',
        }, {'norm1.*': 'norm1.*', 'conv1.*': 'conv1.*', 'norm2.*': 'norm2.*',
            'conv2.*': 'conv2.*', 'conv_shortcut.*': 'shortcut.*'}),
        **joined({f'{theirs}mid_block.attentions.0.':
                  f'{ours}middle.0.attention.'
                  for theirs, ours in HALVES.items()}, attention),
        **joined(HALVES,
                 {'conv_in.*': 'conv_in.*', 'conv_norm_out.*': 'norm_out.*',
                  'conv_out.*': 'conv_out.*'}),
        'encoder.down_blocks.{0}.downsamplers.0.conv.*':
            'down.downsamplers.{0}.*',
        'decoder.up_blocks.{1}.upsamplers.0.conv.*': 'up.upsamplers.{0}.*',
        **_QUANT,
    }


# Both layouts read all names; each writes those that come first in it.
_NEW, _OLD = (
    Layout('the KL-f8 of diffusers', _names(first) | _names(second), _IGNORED,
           needed={'quant_conv.': 'It looks like a part of the file.'})
    for first, second in ((_NOW, _ONCE), (_ONCE, _NOW)))
_MATRIX = re.compile(r'\.attention\.(q|k|v|proj)\.weight')
_LEVEL = re.compile(r'(?<=decoder\.up_blocks\.)\d+')

kl_f8_diffusers_ignored = _NEW.ignored


def kl_f8_diffusers_from_published(
        state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A published state dict -> a state dict of AutoencoderKL.

    Raises:
        KeyError: A tensor is neither used nor listed as ignored.
    """
    converted = _NEW.from_published(_reversed(state))
    return {name: tensor[..., None, None] if _MATRIX.search(name) else tensor
            for name, tensor in converted.items()}


def kl_f8_diffusers_to_published(
        state: Mapping[str, Tensor],
        old_names: bool = False) -> dict[str, Tensor]:
    """Inverse of :func:`kl_f8_diffusers_from_published`.

    Args:
        state: State dict of AutoencoderKL.
        old_names: Whether to name the layers of attention as files from
            before 2023 do.
    """
    flat = {name: tensor[..., 0, 0] if _MATRIX.search(name) else tensor
            for name, tensor in state.items()}
    return _reversed((_OLD if old_names else _NEW).to_published(flat))


def _reversed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Count the decoder's levels from the other end."""
    last = max((int(found[0]) for found in map(_LEVEL.search, state)
                if found), default=0)
    return {_LEVEL.sub(lambda found: str(last - int(found[0])), name): tensor
            for name, tensor in state.items()}
