"""MAGE's tokenizer file <-> :class:`rcg.models.tokenizers.VQGAN`."""
import re
from collections.abc import Sequence

from torch import Tensor

# Published name, our name. A number in braces is added to the index that
# stands there: blocks of the middle count from 1, and an upsampler belongs to
# the level that it leaves there, to the one that it enters here.
NAMES = (
    ('encoder.down.{0}.block.{0}.', 'encoder.levels.{0}.{0}.'),
    ('encoder.mid.block_{1}.', 'encoder.middle.{0}.'),
    ('decoder.mid.block_{1}.', 'decoder.middle.{0}.'),
    ('decoder.up.{0}.block.{0}.', 'decoder.levels.{0}.{0}.'),
    ('decoder.up.{1}.upsample.conv.', 'decoder.upsamplers.{0}.'),
    ('quantize.embedding.weight', 'quantizer.codebook'),
)
# Parts of names, published and ours.
_WORDS = ('nin_shortcut.', 'shortcut.'), ('proj_out.', 'proj.')
# All published names.
KNOWN = (r'quantize\.embedding\.weight|((en|de)coder\.'
         r'(conv_in|norm_out|conv_out|up\.\d+\.upsample\.conv|'
         r'((down|up)\.\d+\.block\.\d+|mid\.block_[12])\.'
         r'(norm1|conv1|norm2|conv2|nin_shortcut)))\.(weight|bias)')


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


def renamed(name: str, names: Sequence[tuple[str, str]],
            back: bool = False) -> str:
    """Our name of a published tensor, or the way back.

    Args:
        names: Templates like ``NAMES``; the first that fits is taken. Names
            that fit none are the same on both sides.
    """
    step = -1 if back else 1
    for pair in names:
        result = _rename(name, *pair[::step])
        if result is not None:
            name = result
            break
    for pair in _WORDS:
        name = name.replace(*pair[::step])
    return name


def check_name(name: str, known: str, source: str) -> None:
    """See that a published name is as the regular expression says.

    Raises:
        KeyError: It is not.
    """
    if not re.fullmatch(known, name):
        raise KeyError(f"'{name}' is no tensor of {source}: is the file of "
                       'another kind?')


def vqgan_ignored(name: str) -> None:
    """Nothing of a published file is left out.

    Raises:
        KeyError: No such tensor is known.
    """
    check_name(name, KNOWN, "MAGE's tokenizer")


def vqgan_from_published(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a published tokenizer.

    Args:
        state_dict: By published name. It is not changed.

    Returns:
        The same tensors under our names.

    Raises:
        KeyError: A name is unknown.
    """
    return {renamed(name, NAMES): tensor
            for name, tensor in state_dict.items()
            if vqgan_ignored(name) is None}


def vqgan_to_published(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The way back of :func:`vqgan_from_published`."""
    return {renamed(name, NAMES, back=True): tensor
            for name, tensor in state_dict.items()}
