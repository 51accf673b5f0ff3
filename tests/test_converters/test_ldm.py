import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.converters.formats import FORMATS
from rcg.converters.ldm import (
    ldm_from_published,
    ldm_ignored,
    ldm_to_published,
)
from rcg.registry import MODELS
from tests.reference import assert_close, load_case, load_manifest

FULL_SIZE = ['ldm_f8_repcond', 'ldm_f8_clscond', 'ldm_f8_uncond']
LABELS = 'cond_stage_model.embedding.weight'


def condition_of(config):
    if 'pretrained_enc_config' in config:
        width = config['unet_config']['params']['context_dim']
        return dict(type='RepresentationCondition', rep_dim=width,
                    drop_prob=0., project=False)
    labels = config['cond_stage_config']['params']['n_classes']
    return (dict(type='LabelCondition', num_classes=labels)
            if config['class_cond'] else None)


def build(config):
    """A published network, by its config."""
    sizes = config['unet_config']['params']
    with DefaultScope.overwrite_default_scope('rcg'):
        return MODELS.build(dict(
            type='UNet', input_size=sizes['image_size'],
            in_channels=sizes['in_channels'], dim=sizes['model_channels'],
            dim_mult=sizes['channel_mult'],
            num_res_blocks=sizes['num_res_blocks'],
            attention_levels=[
                level for level in range(len(sizes['channel_mult']))
                if 2**level in sizes['attention_resolutions']],
            condition=condition_of(config),
            form=dict(context_dim=sizes['context_dim'],
                      head_dim=sizes['num_head_channels'], scale_shift=False,
                      residual_resampling=False, learn_variance=False)))


@torch.no_grad()
def test_network_of_the_published_code():
    config, weights, case = load_case('ldm_rep')
    net = build(config['config'])
    net.load_state_dict(ldm_from_published(weights, averaged=False))
    net.eval()
    x, t = case['net.x'], case['net.t']
    context = net.condition_embed(case['context'].squeeze(1))
    assert_close('net.out', net(x, t, context), case)
    assert_close('net.out_context3', net(x, t, case['net.context3']), case)


def published(manifest):
    return {key: torch.empty(shape, device='meta')
            for key, (shape, _) in manifest['model'].items()}


def shapes(tensors):
    return {name: tensor.shape for name, tensor in tensors.items()}


@pytest.mark.parametrize('name', FULL_SIZE)
@pytest.mark.parametrize('averaged', [True, False])
def test_full_size_covers_the_published_format(name, averaged):
    manifest = load_manifest(name)
    theirs = published(manifest)
    with torch.device('meta'):
        net = build(manifest['config']['model']['params'])
    ours = net.state_dict()
    assert shapes(ldm_from_published(theirs, averaged)) == shapes(ours)
    back = ldm_to_published(ours, averaged)
    assert shapes(back).items() <= shapes(theirs).items()
    for key in theirs.keys() - back.keys() - {LABELS}:
        assert ldm_ignored(key, averaged), key
    assert not any(ldm_ignored(key, averaged) for key in back)
    groups = manifest['elements_by_group']
    labels = groups['cond_stage_model.'] * (LABELS in back)
    assert sum(p.numel() for p in net.parameters()) == (
        groups['model.'] + labels)


def test_labels_are_used_if_there_is_no_encoder():
    for name, ours in zip(FULL_SIZE, (
            None, 'condition_embed.embedding.weight', 'context'), strict=True):
        theirs = published(load_manifest(name))
        found = ldm_from_published(theirs)
        used = {key for key, tensor in found.items()
                if tensor is theirs[LABELS]}
        assert used == {ours} - {None}
        assert (LABELS in ldm_to_published(found)) == bool(ours)


def test_live_weights_or_averages():
    live = {'model.diffusion_model.out.2.bias': torch.ones(1)}
    state = live | {'model_ema.diffusion_modelout2bias': torch.zeros(1),
                    'model_ema.decay': torch.tensor(.9),
                    LABELS: torch.ones(3, 2)}
    for averaged in (True, False):
        found = ldm_from_published(state, averaged)
        assert found.keys() == {'conv_out.bias',
                                'condition_embed.embedding.weight'}
        assert found['conv_out.bias'].item() == (not averaged)
        back = ldm_to_published(found, averaged)
        assert all(back[key] is state[key] for key in back)
    with pytest.raises(KeyError, match="'model_ema.diffusion_modelout2bias'"):
        ldm_from_published(live)


def test_a_file_of_another_network_is_told():
    assert FORMATS['ldm'].averages
    with pytest.raises(KeyError, match='LDM.*model.diffusion_model.x'):
        ldm_ignored('model.diffusion_model.x')
    with pytest.raises(ValueError, match="entry 'model'"):
        ldm_from_published({'input_blocks.0.0.bias': torch.ones(1)})
