"""MAGE's tokenizer file <-> :class:`rcg.models.tokenizers.VQGAN`."""
from rcg.converters.layout import Layout

# Published blocks of the middle count from 1. A published upsampler has the
# index of the level before it, ours that of the level after it.
_BLOCKS = {
    'encoder.down.{0}.block.{0}.': 'down.levels.{0}.{0}.',
    'encoder.mid.block_{1}.': 'down.middle.{0}.',
    'decoder.mid.block_{1}.': 'up.middle.{0}.',
    'decoder.up.{0}.block.{0}.': 'up.levels.{0}.{0}.',
}
_LAYERS = {'nin_shortcut.*': 'shortcut.*'} | {
    name: name for name in ('norm1.*', 'conv1.*', 'norm2.*', 'conv2.*')}
# Prefixes of the two halves: published -> ours.
HALVES = {'encoder.': 'down.', 'decoder.': 'up.'}
_ENDS = {name: name for name in ('conv_in.*', 'norm_out.*', 'conv_out.*')}


def joined(blocks: dict[str, str], layers: dict[str, str]) -> dict[str, str]:
    """Append each name of a layer to each name of a block."""
    return {old + theirs: new + ours for old, new in blocks.items()
            for theirs, ours in layers.items()}


NAMES = {
    **joined(_BLOCKS, _LAYERS),
    **joined(HALVES, _ENDS),
    'decoder.up.{1}.upsample.conv.*': 'up.upsamplers.{0}.*',
    'quantize.embedding.weight': 'quantizer.codebook',
}
_LAYOUT = Layout("MAGE's tokenizer", NAMES)

vqgan_ignored = _LAYOUT.ignored
vqgan_from_published = _LAYOUT.from_published
vqgan_to_published = _LAYOUT.to_published
