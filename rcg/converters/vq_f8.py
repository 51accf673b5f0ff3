"""First stage VQ-f8 <-> :class:`rcg.models.tokenizers.LatentVQGAN`."""
from torch import Tensor

from rcg.converters.vqgan import KNOWN, NAMES, check_name, renamed

_NAMES = (
    ('encoder.down.{0}.attn.{0}.', 'encoder.levels.{0}.{0}.attention.'),
    ('encoder.mid.attn_1.', 'encoder.middle.0.attention.'),
    ('encoder.down.{0}.downsample.conv.', 'encoder.downsamplers.{0}.'),
    ('decoder.mid.attn_1.', 'decoder.middle.0.attention.'),
    ('decoder.up.{0}.attn.{0}.', 'decoder.levels.{0}.{0}.attention.'),
    *NAMES,
)
_KNOWN = (KNOWN + r'|((post_)?quant_conv|encoder\.down\.\d+\.downsample\.conv|'
          r'(en|de)coder\.((down|up)\.\d+\.attn\.\d+|mid\.attn_1)\.'
          r'(norm|q|k|v|proj_out))\.(weight|bias)')


def vq_f8_ignored(name: str) -> str | None:
    """Why a published tensor is not needed; None if it is used.

    Raises:
        KeyError: No such tensor is known.
    """
    if name.startswith('loss.'):
        return 'perceptual network or discriminator that trained the file'
    check_name(name, _KNOWN, 'a VQ first stage of latent diffusion')
    return None


def vq_f8_from_published(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a published first stage.

    Args:
        state_dict: By published name. It is not changed.

    Returns:
        The used tensors under our names.

    Raises:
        KeyError: A name is unknown.
    """
    return {renamed(name, _NAMES): tensor
            for name, tensor in state_dict.items()
            if vq_f8_ignored(name) is None}


def vq_f8_to_published(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The way back of :func:`vq_f8_from_published`, without ``loss.*``."""
    return {renamed(name, _NAMES, back=True): tensor
            for name, tensor in state_dict.items()}
