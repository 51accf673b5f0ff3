"""KL-f8 in both published layouts; names are written down here anew."""
import math

import pytest
import torch

from rcg.converters.formats import recognize
from rcg.converters.kl_f8 import (
    kl_f8_diffusers_from_published,
    kl_f8_diffusers_ignored,
    kl_f8_diffusers_to_published,
    kl_f8_from_published,
    kl_f8_ignored,
    kl_f8_to_published,
)
from rcg.converters.naming import name_part
from rcg.converters.parts import join, same_bits, split
from rcg.engine import load_config
from rcg.models.tokenizers import AutoencoderKL
from rcg.registry import TOKENIZERS
from rcg.rng import SampleRng

CONVERT = {'kl_f8': (kl_f8_from_published, kl_f8_to_published),
           'kl_f8_diffusers': (kl_f8_diffusers_from_published,
                               kl_f8_diffusers_to_published)}
ORIGINAL = dict(
    shortcut='nin_shortcut', norm_out='norm_out', middle='mid.block_{}',
    first=1, attention='mid.attn_1', parts=('norm', 'q', 'k', 'v', 'proj_out'),
    encoder='down.{}.block.{}', down='down.{}.downsample.conv',
    decoder='up.{}.block.{}', up='up.{}.upsample.conv')
DIFFUSERS = dict(
    shortcut='conv_shortcut', norm_out='conv_norm_out',
    middle='mid_block.resnets.{}', first=0, attention='mid_block.attentions.0',
    parts=('group_norm', 'to_q', 'to_k', 'to_v', 'to_out.0'),
    encoder='down_blocks.{}.resnets.{}',
    down='down_blocks.{}.downsamplers.0.conv',
    decoder='up_blocks.{}.resnets.{}', up='up_blocks.{}.upsamplers.0.conv')
OLD = dict(DIFFUSERS, parts=('group_norm', 'query', 'key', 'value',
                             'proj_attn'))
LAYOUTS = {'original': ('kl_f8', ORIGINAL),
           'diffusers': ('kl_f8_diffusers', DIFFUSERS),
           'old diffusers': ('kl_f8_diffusers', OLD)}
FULL = dict(dims=(128, 256, 512, 512), blocks=2)
SMALL = dict(dims=(32, 64), blocks=1)


def layers_of(layout, dims, blocks):
    """Names of layers: shape of the weight, in an order for all layouts."""
    layers = {}

    def block(name, a, b):
        layers[f'{name}.norm1'] = (a, )
        layers[f'{name}.conv1'] = (b, a, 3, 3)
        layers[f'{name}.norm2'] = (b, )
        layers[f'{name}.conv2'] = (b, b, 3, 3)
        if a != b:
            layers[f'{name}.{layout["shortcut"]}'] = (b, a, 1, 1)

    ones = (1, 1) if layout is ORIGINAL else ()
    top, last = dims[-1], len(dims) - 1
    for half, (a, b) in dict(encoder=(8, top), decoder=(3, dims[0])).items():
        for i in range(2):
            block(f'{half}.{layout["middle"]}'.format(layout['first'] + i),
                  top, top)
        norm, *others = (f'{half}.{layout["attention"]}.{name}'
                         for name in layout['parts'])
        layers |= {norm: (top, )} | dict.fromkeys(others, (top, top, *ones))
        layers[f'{half}.{layout["norm_out"]}'] = (b, )
        layers[f'{half}.conv_out'] = (a, b, 3, 3)
    layers['encoder.conv_in'] = (dims[0], 3, 3, 3)
    layers['decoder.conv_in'] = (top, 4, 3, 3)
    for i, (a, b) in enumerate(zip(dims[:1] + dims, dims, strict=False)):
        for j in range(blocks):
            block(f'encoder.{layout["encoder"]}'.format(i, j),
                  b if j else a, b)
        if i < last:
            layers[f'encoder.{layout["down"]}'.format(i)] = (b, b, 3, 3)
    for i, (a, b) in enumerate(zip(dims[1:] + dims[-1:], dims, strict=True)):
        place = i if layout is ORIGINAL else last - i
        for j in range(blocks + 1):
            block(f'decoder.{layout["decoder"]}'.format(place, j),
                  b if j else a, b)
        if i:
            layers[f'decoder.{layout["up"]}'.format(place)] = (b, b, 3, 3)
    return layers | {'quant_conv': (8, 8, 1, 1),
                     'post_quant_conv': (4, 4, 1, 1)}


def published(layout, dims, blocks, device='cpu'):
    """A published file with numbers that any layout orders alike."""
    state = {}
    for i, (name, shape) in enumerate(
            layers_of(layout, dims, blocks).items()):
        size = math.prod(shape)
        if device == 'meta':
            numbers = torch.empty(size + shape[0], device='meta')
        else:
            numbers = SampleRng.from_seed(0, [i]).normal(size + shape[0])[0]
        state[f'{name}.weight'] = (
            1 + .2 * numbers[:size] if len(shape) == 1 else
            numbers[:size] / (size / shape[0])**.5).view(shape)
        state[f'{name}.bias'] = .2 * numbers[size:]
    return state


@pytest.mark.parametrize('name', LAYOUTS)
def test_full_size_covers_the_published_format(name):
    form, layout = LAYOUTS[name]
    theirs = published(layout, **FULL, device='meta')
    assert sum(t.numel() for t in theirs.values()) == 83653863
    cfg = load_config('configs/_base_/tokenizers/kl_f8.py').tokenizer
    assert cfg.pop('checkpoint') == 'checkpoints/kl_f8.safetensors'
    with torch.device('meta'):
        ours = TOKENIZERS.build(cfg).state_dict()
    converted = CONVERT[form][0](theirs)
    assert {n: t.shape for n, t in converted.items()} == {
        n: t.shape for n, t in ours.items()}
    assert recognize(theirs) == form
    assert name_part(form, theirs) == (
        'kl_f8', 'configs/_base_/tokenizers/kl_f8.py')


def test_all_layouts_are_the_same_weights():
    states = [CONVERT[form][0](published(layout, **SMALL))
              for form, layout in LAYOUTS.values()]
    for other in states[1:]:
        assert other.keys() == states[0].keys()
        assert all(same_bits(other[n], t) for n, t in states[0].items())


# What diffusers 0.42.1 makes of these weights and images, in float64.
MOMENTS = [.461983, -.282065, -.363195, .264039, .516893, -.258146, .551078,
           .821512]
DECODED = [.193768, .562009, .483902, .266488, -.053644, -.817259, -.142514,
           -.482410, -.337023, -.325004, -.224920, -.332100]


def test_numbers_are_those_of_diffusers():
    tokenizer = AutoencoderKL(dim=32, dim_mult=(1, 2), num_res_blocks=1)
    tokenizer.load_state_dict(kl_f8_diffusers_from_published(
        published(DIFFUSERS, **SMALL)))
    images = SampleRng.from_seed(1, [0]).uniform(3, 16, 16) * 2 - 1
    with torch.no_grad():
        moments = tokenizer.encode(images)
        decoded = tokenizer.decode(moments[:, :4] * tokenizer.scale)
    assert moments.shape == (1, 8, 8, 8)
    assert decoded.shape == images.shape
    torch.testing.assert_close(moments[0, :, 0, 7], torch.tensor(MOMENTS),
                               rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(decoded[0, :, 15, ::5].flatten(),
                               torch.tensor(DECODED), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('name', LAYOUTS)
def test_there_and_back_to_the_bit(name):
    form, layout = LAYOUTS[name]
    state = {key: value.half() if 'conv1' in key else value
             for key, value in published(layout, **SMALL).items()}
    extra = {'loss.logvar': torch.zeros(()),
             'model_ema.decay': torch.tensor(.9)}
    part, = split(form, state | extra)
    assert part.stem == 'kl_f2_32x4'
    assert part.rest.keys() == extra.keys()
    assert part.options == ({'old_names': True} if layout is OLD else {})
    back = join([part])
    assert back.keys() == (state | extra).keys()
    assert all(same_bits(back[key], state[key]) for key in state)


def test_what_is_ignored_and_why():
    for ignored in (kl_f8_ignored, kl_f8_diffusers_ignored):
        assert 'discriminator' in ignored('loss.discriminator.main.0.weight')
        assert 'averages' in ignored('model_ema.encoderconv_inweight')
        assert ignored('quant_conv.bias') is None
        with pytest.raises(KeyError, match="'quantize.embedding.weight'"):
            ignored('quantize.embedding.weight')
    with pytest.raises(KeyError, match=r'down\.3\.attn'):
        kl_f8_from_published({'quant_conv.bias': torch.ones(1),
                              'encoder.down.3.attn.0.q.bias': torch.ones(1)})
    for convert, _ in CONVERT.values():
        with pytest.raises(ValueError, match=r"start with 'quant_conv\.'"):
            convert({'encoder.conv_in.bias': torch.ones(1)})
