"""Files of RCG's DiT: names, shapes, what either kind of condition uses."""
import pytest
import torch

from rcg.converters.dit import (
    LABELS,
    dit_from_published,
    dit_ignored,
    dit_to_published,
)
from rcg.converters.formats import recognize
from rcg.converters.naming import name_part
from rcg.converters.parts import join, same_bits, split
from rcg.models.layers.embeddings import position_table
from tests.reference import load_case, load_manifest
from tests.test_converters.test_formats import published

CASES = ['dit_rep', 'dit_classcond']


def shapes_of(config, condition):
    """Our names and shapes, of the sizes of a case."""
    dim, channels = config['hidden_size'], config['in_channels']
    values = config['patch_size']**2 * channels * 2
    shapes = dict(condition)
    shapes['patch_embed.weight'] = (dim, channels,
                                    *2 * (config['patch_size'], ))
    linear = {'time_embed.0': (dim, 256), 'time_embed.2': (dim, dim),
              'output.modulation': (2 * dim, dim),
              'output.linear': (values, dim)}
    for i in range(config['depth']):
        linear |= {f'blocks.{i}.{name}': shape for name, shape in {
            'attn.qkv': (3 * dim, dim), 'attn.proj': (dim, dim),
            'mlp.fc1': (4 * dim, dim), 'mlp.fc2': (dim, 4 * dim),
            'modulation': (6 * dim, dim)}.items()}
    shapes |= {f'{name}.weight': shape for name, shape in linear.items()}
    return shapes | {f'{name}.bias': shape[:1] for name, shape in (
        *linear.items(), ('patch_embed', (dim, )))}


@pytest.mark.parametrize(('case', 'condition'), [
    ('dit_rep', {'condition_embed.null_condition': (1, 32),
                 'condition_embed.condition_proj.weight': (64, 32),
                 'condition_embed.condition_proj.bias': (64, )}),
    ('dit_classcond', {'condition_embed.embedding.weight': (11, 64)})])
def test_names_and_shapes_are_ours(case, condition):
    config, weights, _ = load_case(case)
    ours = dit_from_published(weights)
    assert {name: tuple(tensor.shape) for name, tensor in ours.items()
            } == shapes_of(config['config'], condition)


def test_full_size():
    _, state = published('dit_xl2_rep')
    sizes = load_manifest('dit_xl2_rep')['sizes']['DiT-XL/2']
    config = dict(hidden_size=sizes['hidden'], depth=sizes['depth'],
                  patch_size=sizes['patch'], in_channels=4)
    ours = dit_from_published(state)
    assert {name: tuple(tensor.shape) for name, tensor in ours.items()
            } == shapes_of(config, {
                'condition_embed.null_condition': (1, 256),
                'condition_embed.condition_proj.weight': (1152, 256),
                'condition_embed.condition_proj.bias': (1152, )})
    # All are of the network but the table of positions and the label.
    assert sum(t.numel() for t in ours.values()) == (
        sum(t.numel() for t in state.values()) - 256 * 1152 - 1152)


@pytest.mark.parametrize('case', CASES)
def test_case_survives_the_way_back(case):
    _, weights, _ = load_case(case)
    back = dit_to_published(dit_from_published(weights))
    unused = ({LABELS} if case == 'dit_rep' else
              {'rep_embedder.weight', 'rep_embedder.bias'})
    assert weights.keys() - back.keys() == unused | {'pos_embed'}
    assert all(back[name] is weights[name] for name in back)


@pytest.mark.parametrize(('case', 'reason'), [
    ('dit_rep', 'label embedding of a model with representations'),
    ('dit_classcond', 'representation layer of a model with labels')])
def test_every_tensor_is_explained(case, reason):
    _, weights, _ = load_case(case)
    assert recognize(weights) == 'dit'
    part, = split('dit', weights)
    assert set(part.ignored.values()) == {
        reason, 'fixed table, which is computed here'}
    assert all(name.startswith('generator.network.')
               for name in part.named(lean=True))
    back = join([part])
    assert back.keys() == weights.keys()
    assert all(same_bits(back[name], weights[name]) for name in weights)


@pytest.mark.parametrize('case', CASES)
def test_the_table_is_the_one_that_is_computed_here(case):
    _, weights, _ = load_case(case)
    table = position_table(64, 4, row_first=False)
    torch.testing.assert_close(weights['pos_embed'][0], table, rtol=0,
                               atol=1e-6)


def test_names_of_sizes_and_conditions():
    def name(**changes):
        _, state = published('dit_xl2_rep')
        state |= {key: torch.empty(shape, device='meta')
                  for key, shape in changes.pop('shapes', {}).items()}
        return name_part('dit', {key: value for key, value in state.items()
                                 if key not in changes.get('without', ())})

    assert name() == ('dit_xl', 'configs/rcg/dit_xl.py')
    without = dict(without=['fake_latent'])
    assert name(**without)[0] == 'dit_xl_uncond'
    assert name(**without, shapes={LABELS: (1001, 1152)})[
        0] == 'dit_xl_label'
    patch = {'x_embedder.proj.weight': (1152, 4, 4, 4)}
    assert name(shapes=patch)[0] == 'dit_xl_4'
    patch = {'x_embedder.proj.weight': (768, 4, 2, 2)}
    deep = [f'blocks.{i}.{layer}.{kind}' for i in range(12, 28)
            for layer in ('attn.qkv', 'attn.proj', 'mlp.fc1', 'mlp.fc2',
                          'adaLN_modulation.1') for kind in ('weight', 'bias')]
    assert name(shapes=patch, without=deep)[0] == 'dit_b_2'
    assert name(shapes=patch)[0] == 'dit_768x28_2'


def test_other_files():
    with pytest.raises(KeyError, match="'blocks.0.norm1.weight'"):
        dit_ignored('blocks.0.norm1.weight')
    with pytest.raises(ValueError, match="'model_ema' or 'model'"):
        dit_from_published({'model': torch.ones(1)})
    with pytest.raises(ValueError, match='as its authors published'):
        recognize(['x_embedder.proj.weight', LABELS,
                   'final_layer.linear.weight'])
