"""MAGE's tokenizer file <-> :class:`rcg.models.tokenizers.VQGAN`."""
from rcg.converters.layout import Layout

# Blocks of the middle count from 1, and an upsampler belongs to the level
# that it leaves there, to the one that it enters here.
_BLOCKS = {
    'encoder.down.{0}.block.{0}.': 'down.levels.{0}.{0}.',
    'encoder.mid.block_{1}.': 'down.middle.{0}.',
    'decoder.mid.block_{1}.': 'up.middle.{0}.',
    'decoder.up.{0}.block.{0}.': 'up.levels.{0}.{0}.',
}
_LAYERS = {'nin_shortcut.*': 'shortcut.*'} | {
    name: name for name in ('norm1.*', 'conv1.*', 'norm2.*', 'conv2.*')}
# Published halves of the network: ours.
HALVES = {'encoder.': 'down.', 'decoder.': 'up.'}
_ENDS = {name: name for name in ('conv_in.*', 'norm_out.*', 'conv_out.*')}


def joined(blocks: dict[str, str], layers: dict[str, str]) -> dict[str, str]:
    """Every name of a layer behind every name of a block."""
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
