"""Latent diffusion's VQ-f8 <-> :class:`LatentVQGAN`."""
from rcg.converters.layout import Layout
from rcg.converters.vqgan import NAMES, joined

_ATTENTIONS = {
    'encoder.down.{0}.attn.{0}.': 'down.levels.{0}.{0}.attention.',
    'encoder.mid.attn_1.': 'down.middle.0.attention.',
    'decoder.mid.attn_1.': 'up.middle.0.attention.',
    'decoder.up.{0}.attn.{0}.': 'up.levels.{0}.{0}.attention.',
}
_LAYERS = {'norm.*': 'norm.*', 'q.*': 'q.*', 'k.*': 'k.*', 'v.*': 'v.*',
           'proj_out.*': 'proj.*'}

_LAYOUT = Layout(
    "latent diffusion's VQ-f8",
    names={
        **NAMES,
        **joined(_ATTENTIONS, _LAYERS),
        'encoder.down.{0}.downsample.conv.*': 'down.downsamplers.{0}.*',
        'quant_conv.*': 'quant_conv.*',
        'post_quant_conv.*': 'post_quant_conv.*',
    },
    ignored={'loss.': 'perceptual network and discriminator that trained it'})

vq_f8_ignored = _LAYOUT.ignored
vq_f8_from_published = _LAYOUT.from_published
vq_f8_to_published = _LAYOUT.to_published
