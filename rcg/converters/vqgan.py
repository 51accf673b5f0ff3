"""MAGE's tokenizer file <-> :class:`rcg.models.tokenizers.VQGAN`."""
import re

from torch import Tensor

# Published name, our name. A number in braces is added to the index that
# stands there: blocks of the middle count from 1, and an upsampler belongs to
# the level that it leaves there, to the one that it enters here.
_NAMES = (
    ('encoder.down.{0}.block.{0}.', 'encoder.levels.{0}.{0}.'),
    ('encoder.mid.block_{1}.', 'encoder.middle.{0}.'),
    ('decoder.mid.block_{1}.', 'decoder.middle.{0}.'),
    ('decoder.up.{0}.block.{0}.', 'decoder.levels.{0}.{0}.'),
    ('decoder.up.{1}.upsample.conv.', 'decoder.upsamplers.{0}.'),
    ('quantize.embedding.weight', 'quantizer.codebook'),
)
_SHORTCUTS = 'nin_shortcut.', 'shortcut.'


def _rename(name: str, old: str, new: str) -> str | None:
    """Rename if ``name`` begins as the template ``old`` says."""
    found = re.match(re.sub(r'\\{\d\\}', r'(\\d+)', re.escape(old)), name)
    if not found:
        return None
    offsets = zip(re.findall(r'{(\d)}', old), re.findall(r'{(\d)}', new),
                  strict=True)
    indices = iter([
        str(int(index) - int(a) + int(b))
        for index, (a, b) in zip(found.groups(), offsets, strict=True)
    ])
    return re.sub(r'{\d}', lambda _: next(indices), new) + name[found.end():]


def _renamed(name: str, names: list[tuple[str, str]]) -> str:
    for old, new in names:
        result = _rename(name, old, new)
        if result is not None:
            return result
    return name


def vqgan_from_published(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a published tokenizer.

    Args:
        state_dict: Content of the published file: a state dict, or one under
            the key ``state_dict``. It is not changed.

    Returns:
        The same tensors under our names, to be loaded strictly. Names that
        the published file should not have stay as they are.
    """
    state_dict = state_dict.get('state_dict', state_dict)
    return {
        _renamed(name, _NAMES).replace(*_SHORTCUTS): tensor
        for name, tensor in state_dict.items()
    }


def vqgan_to_published(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The way back of :func:`vqgan_from_published`."""
    names = [(ours, published) for published, ours in _NAMES]
    return {
        _renamed(name, names).replace(*_SHORTCUTS[::-1]): tensor
        for name, tensor in state_dict.items()
    }
