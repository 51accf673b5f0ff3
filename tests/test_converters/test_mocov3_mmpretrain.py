"""The layout of MMPretrain, from the module names of its code."""
import pytest
import torch

from rcg.converters.mocov3 import mocov3_from_published, mocov3_to_published
from rcg.converters.mocov3_mmpretrain import (
    mocov3_mmpretrain_from_published,
    mocov3_mmpretrain_ignored,
    mocov3_mmpretrain_to_published,
)
from rcg.models.encoders import MoCoV3ViT
from tests.reference import load_case
from tests.test_converters.encoders import build_base, check_way_back, sizes_of


def linear(name, fan_in, fan_out):
    return {f'{name}.weight': (fan_out, fan_in), f'{name}.bias': (fan_out, )}


def norm(name, dim):
    return {f'{name}.weight': (dim, ), f'{name}.bias': (dim, )}


def perceptron(name, *dims):
    """Linear layers without bias and batch norms, the last without scale."""
    shapes = {}
    for i, (fan_in, fan_out) in enumerate(
            zip(dims[:-1], dims[1:], strict=True)):
        shapes[f'{name}.fc{i}.weight'] = (fan_out, fan_in)
        if i < len(dims) - 2:
            shapes |= norm(f'{name}.bn{i}', fan_out)
        shapes |= {f'{name}.bn{i}.running_mean': (fan_out, ),
                   f'{name}.bn{i}.running_var': (fan_out, ),
                   f'{name}.bn{i}.num_batches_tracked': ()}
    return shapes


def vit(name, dim, depth):
    shapes = {f'{name}.cls_token': (1, 1, dim),
              f'{name}.pos_embed': (1, 197, dim),
              f'{name}.patch_embed.projection.weight': (dim, 3, 16, 16),
              f'{name}.patch_embed.projection.bias': (dim, )}
    for i in range(depth):
        layer = f'{name}.layers.{i}.'
        shapes |= norm(layer + 'ln1', dim)
        shapes |= linear(layer + 'attn.qkv', dim, 3 * dim)
        shapes |= linear(layer + 'attn.proj', dim, dim)
        shapes |= norm(layer + 'ln2', dim)
        shapes |= linear(layer + 'ffn.layers.0.0', dim, 4 * dim)
        shapes |= linear(layer + 'ffn.layers.1', 4 * dim, dim)
    return shapes | norm(f'{name}.ln1', dim)


def published(dim, depth, device='meta'):
    """The state dict of a pre-training file."""
    torch.manual_seed(0)
    shapes = {
        **vit('backbone', dim, depth),
        **perceptron('neck', dim, 4096, 4096, 256),
        **perceptron('head.predictor', 256, 4096, 256),
        'momentum_encoder.steps': (),
        **vit('momentum_encoder.module.0', dim, depth),
        **perceptron('momentum_encoder.module.1', dim, 4096, 4096, 256),
    }
    return {name: torch.randn(shape, device=device)
            for name, shape in shapes.items()}


@pytest.mark.parametrize(('config', 'dim', 'depth'), [
    ('mocov3_vit_s', 384, 12), ('mocov3_vit_b', 768, 12),
    ('mocov3_vit_l', 1024, 24)])
def test_full_size_file_fits(config, dim, depth):
    state = published(dim, depth)
    encoder = build_base(config)
    encoder.load_state_dict(mocov3_mmpretrain_from_published(state),
                            assign=True)
    back = mocov3_mmpretrain_to_published(encoder.state_dict())
    assert back.keys() == {name for name in state
                           if mocov3_mmpretrain_ignored(name) is None}
    assert all(back[name].shape == state[name].shape for name in back)


def test_way_back():
    check_way_back(published(8, 2), mocov3_mmpretrain_from_published,
                   mocov3_mmpretrain_to_published, mocov3_mmpretrain_ignored)


LAYERS = {'cls_token': 'cls_token', 'pos_embed': 'pos_embed',
          'patch_embed.proj': 'patch_embed.projection', 'norm': 'ln1',
          'norm1': 'ln1', 'attn.qkv': 'attn.qkv', 'attn.proj': 'attn.proj',
          'norm2': 'ln2', 'mlp.fc1': 'ffn.layers.0.0',
          'mlp.fc2': 'ffn.layers.1', 'head.0': 'fc0', 'head.1': 'bn0',
          'head.3': 'fc1', 'head.4': 'bn1', 'head.6': 'fc2', 'head.7': 'bn2'}


def from_official(name):
    """What MMPretrain calls a tensor of the official layout."""
    name = name.removeprefix('module.base_encoder.')
    start, end = 'neck.' if name.startswith('head.') else 'backbone.', ''
    if name.startswith('blocks.'):
        _, index, name = name.split('.', 2)
        start += f'layers.{index}.'
    if name not in LAYERS:
        name, _, end = name.rpartition('.')
    return start + LAYERS[name] + ('.' + end if end else '')


def test_layers_are_not_mixed_up():
    # One encoder in two layouts. Shapes would not tell the two norms apart.
    config, weights, _ = load_case('enc_mocov3')
    wanted = mocov3_from_published(weights)
    found = mocov3_mmpretrain_from_published({
        from_official(name): tensor
        for name, tensor in mocov3_to_published(wanted).items()})
    assert found.keys() == wanted.keys()
    assert all(found[name] is wanted[name] for name in wanted)
    MoCoV3ViT(projector_hidden_dim=config['projector_hidden'],
              projector_dim=config['proj_dim'],
              **sizes_of(config)).load_state_dict(found)


def test_classifiers_are_refused():
    state = {name: tensor for name, tensor in published(8, 1).items()
             if name.startswith('backbone.')}
    state['head.layers.head.weight'] = torch.zeros(1000, 8)
    with pytest.raises(ValueError, match='classifier without the projector'):
        mocov3_mmpretrain_from_published(state)
    # The ResNet of the same folder.
    with pytest.raises(ValueError, match=r'backbone\.layers'):
        mocov3_mmpretrain_from_published(
            {'backbone.conv1.weight': torch.zeros(1)})
    with pytest.raises(KeyError, match='no tensor'):
        mocov3_mmpretrain_ignored('backbone.layers.0.attn.gamma1.weight')
