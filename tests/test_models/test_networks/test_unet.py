"""The U-Net in its published forms, at toy size."""
import pytest
import torch
from mmengine.registry import DefaultScope
from torch import nn

from rcg.registry import MODELS
from tests.test_models import tiny

ADM = dict(head_dim=8, groups=4)
LDM = dict(head_dim=8, groups=4, context_dim=6, scale_shift=False,
           residual_resampling=False, learn_variance=False)
REP = dict(tiny.CONDITIONS['representation'], drop_prob=0.)
LABEL = tiny.CONDITIONS['label']
VARIANTS = {
    'adm_rep': dict(form=ADM, condition=REP),
    'adm_label': dict(form=ADM, condition=LABEL),
    'adm_uncond': dict(form=dict(ADM, residual_resampling=False)),
    'ldm_rep': dict(form=LDM, condition=dict(REP, project=False)),
    'ldm_label': dict(form=LDM, condition=LABEL),
    'ldm_uncond': dict(form=LDM),
}


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def build(name='adm_rep', **changes):
    return MODELS.build(dict(
        dict(type='UNet', input_size=8, in_channels=3, dim=16,
             dim_mult=(1, 2), num_res_blocks=1, attention_levels=(1, )),
        **{**VARIANTS[name], **changes}))


def awake(net):
    """Without the zeros that it starts with."""
    for parameter in net.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=.1)
    return net


def inputs(net, batch_size=3):
    """Noisy data, timesteps and the embedding of a condition."""
    embedding, layer = None, net.condition_embed
    if layer is not None:
        embedding = layer(
            torch.arange(batch_size) if layer.kind == 'label' else
            torch.randn(batch_size, 6))
    return (torch.randn(batch_size, 3, 8, 8),
            torch.tensor([0, 500, 999])[:batch_size], embedding)


@pytest.mark.parametrize('name', VARIANTS)
def test_shapes_and_gradients(name):
    net = build(name)
    assert (net.input_size, net.in_channels, net.out_channels) == (
        8, 3, 6 if name.startswith('adm') else 3)
    given = inputs(net)
    shape = (3, net.out_channels, 8, 8)
    assert torch.equal(net(*given), torch.zeros(shape))  # at the start
    out = awake(net)(*inputs(net))
    assert out.shape == shape
    out.square().sum().backward()
    # A single context token gets all of the attention, however it is asked.
    needless = ('cross_attn.q.', 'cross_attn.k.', 'norm_cross.')
    for key, parameter in net.named_parameters():
        largest = parameter.grad.abs().max()
        if name.startswith('ldm') and any(
                part in key for part in needless):
            assert largest < 1e-4, key
        else:
            assert largest > 1e-4, key


@pytest.mark.parametrize('name', ['adm_rep', 'ldm_uncond'])
@torch.no_grad()
def test_a_batch_of_one_is_a_row_of_a_batch(name):
    net = awake(build(name))
    x, t, embedding = inputs(net)
    row = net(x[1:2], t[1:2], None if embedding is None else embedding[1:2])
    torch.testing.assert_close(row, net(x, t, embedding)[1:2])


@pytest.mark.parametrize('name', ['adm_rep', 'adm_label', 'ldm_rep'])
@torch.no_grad()
def test_it_listens_to_time_and_condition(name):
    net = awake(build(name))
    x, t, embedding = inputs(net)
    out = net(x, t, embedding)
    other = embedding.clone()
    other[0] += 1
    changed = (net(x, t, other) - out).abs().amax((1, 2, 3))
    assert changed[0] > 1e-3
    assert (changed[1:] < 1e-6).all()
    changed = (net(x, t + 9, embedding) - out).abs().amax((1, 2, 3))
    assert (changed > 1e-3).all()


@torch.no_grad()
def test_one_context_token_or_several():
    net = awake(build('ldm_rep'))
    x, t, embedding = inputs(net)
    one = net(x, t, embedding)
    assert torch.equal(net(x, t, embedding[:, None]), one)
    # Attention to the same token twice is attention to it.
    twice = embedding[:, None].expand(-1, 2, -1)
    torch.testing.assert_close(net(x, t, twice), one)
    both = torch.stack([embedding, -embedding], 1)
    assert not torch.allclose(net(x, t, both), one, atol=1e-3)


@torch.no_grad()
def test_unconditional_latent_diffusion_has_a_learned_context():
    net = awake(build('ldm_uncond'))
    assert net.context.shape == (1, 6)
    x, t, _ = inputs(net)
    context = net.context.expand(3, -1)
    assert torch.equal(net(x, t), net(x, t, context))
    assert build('adm_uncond').context is None


@torch.no_grad()
def test_memory_format_and_other_sizes_of_maps():
    net = awake(build())
    x, t, embedding = inputs(net)
    other = net(x.to(memory_format=torch.channels_last), t, embedding)
    torch.testing.assert_close(other, net(x, t, embedding))
    assert net(x[..., :4], t, embedding).shape == (3, 6, 8, 4)


def test_dropout_acts_in_training_only():
    net = awake(build(form=dict(ADM, drop=.5)))
    given = inputs(net)
    assert not torch.equal(net(*given), net(*given))
    net.eval()
    assert torch.equal(net(*given), net(*given))


@pytest.mark.parametrize('name', ['adm_rep', 'ldm_rep'])
def test_what_is_computed_again_is_the_same_and_is_not_kept(name):
    nets = [awake(build(name, form=dict(
        VARIANTS[name]['form'], drop=.5, recompute=again)))
        for again in (False, True)]
    nets[1].load_state_dict(nets[0].state_dict())
    kept, gradients = [], []
    for net in nets:
        sizes = []

        def note(x, sizes=sizes):
            sizes.append(x.nbytes)
            return x

        torch.manual_seed(1)  # of inputs and dropout
        given = inputs(net)
        with torch.autograd.graph.saved_tensors_hooks(note, lambda x: x):
            out = net(*given)
        out.square().sum().backward()
        kept.append(sum(sizes))
        gradients.append([p.grad for p in net.parameters()])
    assert all(map(torch.equal, *gradients))
    assert kept[1] < .2 * kept[0]


def test_epsilons_and_numbers_of_groups():
    norms = {name: module for name, module in build('ldm_rep').named_modules()
             if isinstance(module, nn.GroupNorm)}
    of_transformers = {name for name in norms if name.endswith('.1.norm')}
    assert len(of_transformers) == 4
    for name, norm in norms.items():
        assert norm.eps == (1e-6 if name in of_transformers else 1e-5)
        assert norm.num_groups == 4
    assert all(module.eps == 1e-5 for module in build('adm_rep').modules()
               if isinstance(module, nn.GroupNorm))


@pytest.mark.parametrize(('changes', 'text'), [
    (dict(input_size=9), 'multiple of 2, got 9'),
    (dict(attention_levels=(0, 2)), r'in \[0, 2\).*got \[2\]'),
    (dict(dim=18), r'4 groups.*got \[18, 36\]'),
    (dict(dim=12), 'head_dim=8, got 12 at level 0; change'),
])
def test_sizes_that_do_not_divide(changes, text):
    with pytest.raises(ValueError, match=text):
        build(**{'attention_levels': (0, ), **changes})
