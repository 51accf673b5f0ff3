"""RDM files of sizes that nobody published, and their network by itself."""
import math

import pytest
import torch
from mmengine.registry import DefaultScope
from torch.nn import functional as F

from rcg.converters.formats import recognize
from rcg.converters.naming import name_part
from rcg.converters.parts import join, same_bits, split
from rcg.registry import MODELS
from tests.test_converters.test_formats import published

NETWORK = 'model.diffusion_model.'
# Every size unlike the others; the hidden width below, at and above W.
SIZES = dict(rep_dim=6, width=10, num_blocks=2, time_dim=7)
CONTEXTS = [None, (4, 5)]  # unconditional; (number of classes, C)


def file_of(hidden_dim, context, rep_dim, width, num_blocks, time_dim):
    """A published file with such a network, live weights and averages."""
    shapes = {
        'time_embed.0': (time_dim, width), 'time_embed.2': (time_dim,) * 2,
        'input_proj': (width, rep_dim), 'out.0': (width,),
        'out.2': (rep_dim, width)}
    for i in range(num_blocks):
        block = f'res_blocks.{i}.'
        shapes |= {block + 'in_layers.0': (width,),
                   block + 'in_layers.2': (hidden_dim, width),
                   block + 'emb_layers.1': (hidden_dim, time_dim),
                   block + 'out_layers.0': (hidden_dim,),
                   block + 'out_layers.3': (width, hidden_dim)}
        if context:
            shapes[block + 'context_layers.1'] = (hidden_dim, context[1])
    state = {'betas': torch.rand(1000), 'model_ema.decay': torch.tensor(.99),
             'model_ema.num_updates': torch.tensor(3, dtype=torch.int32),
             'cond_stage_model.embedding.weight':
                 torch.randn(context or (1, 5))}
    for layer, shape in shapes.items():
        for kind, size in (('weight', shape), ('bias', shape[:1])):
            name = f'{NETWORK}{layer}.{kind}'
            state[name] = torch.randn(size)
            average = name.removeprefix('model.').replace('.', '')
            state['model_ema.' + average] = torch.randn(size)
    return state


def published_output(state, averaged, x, t, labels):
    """What the published network answers, from its description alone."""
    def weights(layer):
        names = [f'{NETWORK}{layer}.{kind}' for kind in ('weight', 'bias')]
        if averaged:
            names = ['model_ema.' + name.removeprefix('model.').replace(
                '.', '') for name in names]
        return [state[name] for name in names]

    def linear(layer, x):
        return F.linear(x, *weights(layer))

    def norm(layer, x, eps=1e-5):
        return F.layer_norm(x, x.shape[1:], *weights(layer), eps=eps)

    width = weights('input_proj')[0].shape[0]
    half = width // 2
    angles = t[:, None] * torch.exp(-math.log(10000) * torch.arange(
        half) / half)
    time = linear('time_embed.0', torch.cat([angles.cos(), angles.sin()], 1))
    time = linear('time_embed.2', F.silu(time))
    h = linear('input_proj', x)
    for i in range(SIZES['num_blocks']):
        block = f'res_blocks.{i}.'
        inner = linear(block + 'in_layers.2',
                       F.silu(norm(block + 'in_layers.0', h)))
        inner = inner + linear(block + 'emb_layers.1', F.silu(time))
        if labels is not None:
            context = state['cond_stage_model.embedding.weight'][labels]
            inner = inner + linear(block + 'context_layers.1',
                                   F.silu(context))
        inner = F.silu(norm(block + 'out_layers.0', inner))
        h = h + linear(block + 'out_layers.3', inner)
    return linear('out.2', F.silu(norm('out.0', h, eps=1e-6)))


def model_of(hidden_dim, context):
    classes, context_dim = context or (None, None)
    with DefaultScope.overwrite_default_scope('rcg'):
        return MODELS.build(dict(
            type='RDM', denoiser=dict(
                type='DenoisingMLP', hidden_dim=hidden_dim,
                context_dim=context_dim, **SIZES),
            diffusion=dict(type='GaussianDiffusion', parameterization='x0'),
            sampler=dict(type='DDIMSampler', num_steps=5),
            num_classes=classes)).eval()


@pytest.mark.parametrize('averaged', [True, False])
@pytest.mark.parametrize('context', CONTEXTS)
@pytest.mark.parametrize('hidden_dim', [4, 10, 13])
@torch.no_grad()
def test_hidden_widths(hidden_dim, context, averaged):
    torch.manual_seed(0)
    state = file_of(hidden_dim, context, **SIZES)
    form = recognize(state)
    assert form == 'rdm'
    parts = split(form, state, averaged)
    model = model_of(hidden_dim, context)
    model.load_state_dict(parts[0].weights)
    x, t = torch.randn(5, 6), torch.tensor([0, 1, 40, 500, 999])
    labels = None if context is None else torch.arange(5) % context[0]
    out = (model.denoiser(x, t) if labels is None else
           model.denoiser(x, t, model.label_embed(labels)))
    torch.testing.assert_close(
        out, published_output(state, averaged, x, t, labels),
        rtol=1e-4, atol=1e-4)
    back = join(parts)
    assert back.keys() == state.keys()
    assert all(same_bits(back[name], state[name]) for name in state)


@pytest.mark.parametrize(('changes', 'ending'), [
    (dict(hidden=512), '_1536x12x512'), (dict(hidden=4096), '_1536x12x4096'),
    (dict(width=1024, hidden=1024), '_1024x12'), (dict(depth=6), '_1536x6'),
    (dict(rep=384), '_1536x12'), (dict(time=512), '_1536x12'),
    (dict(context=256), '_1536x12'), (dict(classes=100), '_1536x12'),
    ({}, '')])
def test_other_sizes_are_not_taken_for_the_published_file(changes, ending):
    """Else the check against its config would refuse them."""
    sizes = {**dict(rep=256, width=1536, hidden=1536, depth=12, time=256,
                    context=512, classes=1000), **changes}
    state = {name: value for name, value in published(
        'rdm_vitb_classcond')[1].items()
        if not name.startswith((NETWORK, 'cond_stage_model.', 'model_ema.'))}
    with torch.device('meta'):
        state |= file_of(sizes['hidden'], (sizes['classes'],
                                           sizes['context']),
                         sizes['rep'], sizes['width'], sizes['depth'],
                         sizes['time'])
    stem, config = name_part('rdm', state)
    assert stem == 'rdm_mocov3_vit_b_class_cond' + ending
    assert config == f'configs/rdm/{stem.removeprefix("rdm_")}.py'
