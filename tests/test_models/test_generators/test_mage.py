"""MAGE against numbers of the published code, and its own contract."""
import pytest
import torch

from rcg.converters.mage import mage_from_published, mage_to_published
from rcg.converters.rdm import rdm_from_published
from rcg.converters.vqgan import vqgan_from_published
from rcg.models.generators.mage import MAGE
from rcg.models.generators.masking import random_masks
from rcg.models.tokenizers import VQGAN
from rcg.rng import SampleRng
from tests.reference import (
    ReplayRng,
    assert_close,
    find_cases,
    grad_norms,
    load_case,
)
from tests.test_models.test_diffusers.test_rdm import build as build_rdm

CASES = find_cases('mage_')


def build(config, **settings):
    c = config['config']
    condition = None
    if c['use_rep']:
        condition = dict(type='RepresentationCondition', rep_dim=c['rep_dim'])
    elif c['use_class_label']:
        condition = dict(type='LabelCondition', num_classes=1000)

    def half(prefix=''):
        return dict(dim=c[prefix + 'embed_dim'], depth=c[prefix + 'depth'],
                    num_heads=c[prefix + 'heads'], mlp_ratio=c['mlp_ratio'])

    low, high, mean, std = c['mask_ratio']
    return MAGE(
        dict(type='MAGEViT', num_codes=c['codebook_size'], num_tokens=256,
             encoder=half(), decoder=half('decoder_'), condition=condition,
             class_tokens=(c['vocab'] - c['codebook_size'] - 1,
                           c['fake_class_token'] - c['codebook_size'])),
        mask_ratio=dict(mean=mean, std=std, low=low, high=high),
        num_steps=c['iters'], temperature=c['temperature'], **settings)


def build_tokenizer(config, weights):
    dd = config['config']['vqgan_ddconfig']
    tokenizer = VQGAN(dd['ch'], tuple(dd['ch_mult']), dd['num_res_blocks'],
                      dd['z_channels'], config['config']['codebook_size'])
    tokenizer.load_state_dict(vqgan_from_published({
        name.removeprefix('vqgan.'): tensor
        for name, tensor in weights.items() if name.startswith('vqgan.')}))
    return tokenizer.eval()


@pytest.fixture(params=CASES)
def case(request):
    config, weights, data = load_case(request.param)
    model = build(config)
    model.network.load_state_dict(mage_from_published(weights))
    return config, weights, data, model.eval()


def condition_of(model, data):
    return dict(representation=data['rep'], label=data['class_label']).get(
        model.condition_kind)


def loss_rng(model, config, data, run):
    """The draws of a stored run: mask ratio, mask noise, dropped rows."""
    law, rate = model.mask_ratio, config['forced_mask_rate']
    below, above = law._edges
    normal = torch.distributions.Normal(law.mean, law.std)
    u = (normal.cdf(torch.tensor(rate)) - below) / (above - below)
    noise = data.get(f'loss.{run}.mask_noise', data['loss.mask_noise'])
    draws = [u.expand(2), noise]
    if model.condition_kind == 'representation':
        draws.insert(0, data[f'loss.{run}.rep_rand'][:, None])
        model.network.condition.drop_prob = config['rep_drop_prob_of_runs'][
            run]
    return ReplayRng(2, uniform=draws)


def test_cases_are_there():
    assert {'mage_rep', 'mage_classcond'} <= set(CASES)


def test_masks(case):
    config, _, data, model = case
    ratios = torch.full((2, ), config['forced_mask_rate'])
    masked, kept = random_masks(data['loss.mask_noise'], ratios, 128)
    assert_close('loss.all_mask', torch.nn.functional.pad(
        masked.float(), (1, 0)), data)
    dropped = torch.ones(2, 256).scatter(1, kept, 0)
    assert_close('loss.drop_mask', torch.nn.functional.pad(dropped, (1, 0)),
                 data)


@pytest.mark.parametrize('run', ['keep', 'drop', 'mixed'])
def test_loss(case, run):
    config, _, data, model = case
    if f'loss.{run}.loss' not in data:
        assert run != 'keep' and model.condition_kind != 'representation'
        return
    rng = loss_rng(model, config, data, run)
    losses = model.loss(data['token_indices'], condition_of(model, data), rng)
    assert_close(f'loss.{run}.loss', losses['loss_tokens'], data)
    if f'loss.{run}.grad_norm' not in data:
        return
    losses['loss_tokens'].backward()
    norms = grad_norms(model.network)
    stored = zip(config[f'loss.{run}.grad_norm_names'],
                 data[f'loss.{run}.grad_norm'].tolist(), strict=True)
    state = model.network.state_dict()
    ours = dict(zip(mage_to_published(state), state, strict=True))
    for name, norm in stored:
        assert norms.pop(ours[name]) == pytest.approx(
            norm, rel=1e-4, abs=1e-6)
    assert not norms


@pytest.mark.parametrize('run', ['keep', 'drop'])
@torch.no_grad()
def test_logits(case, run):
    config, _, data, model = case
    if f'loss.{run}.logits' not in data:
        assert model.condition_kind != 'representation'
        return
    net = model.network
    rng = loss_rng(model, config, data, run)
    condition = None
    if net.condition is not None:
        condition = net.condition(condition_of(model, data), rng)
    masked = data['loss.all_mask'][:, 1:].bool()
    kept = (data['loss.drop_mask'][:, 1:] == 0).nonzero()[:, 1].view(2, 128)
    ids = data['token_indices'].masked_fill(masked, net.mask_token)
    encoded = net.encode(ids, condition, kept)
    decoded = net.decode(encoded, masked, kept)
    assert_close(f'loss.{run}.logits', net.logits(decoded), data)
    if run == 'keep':
        assert_close('loss.keep.encoder_out', encoded, data)
        full = net.logits(decoded, net.mask_token + 1)
        assert_close('loss.keep.logits_tail',
                     full[:, ::32, net.num_codes::100], data)


@torch.no_grad()
def test_tokenizer(case):
    config, weights, data, _ = case
    images = data.get('image_u8', load_case('mage_rep')[2]['image_u8'])
    tokenizer = build_tokenizer(config, weights)
    ids = tokenizer.encode(images.float() / 127.5 - 1)
    assert_close('token_indices', ids, data)


@pytest.mark.parametrize('run', ['cfg0', 'cfg3', 'e2e'])
@torch.no_grad()
def test_generation(case, run):
    config, weights, data, model = case
    if f'gen.{run}.final_ids' not in data:
        assert run != 'cfg0' and model.condition_kind != 'representation'
        return
    if run != 'cfg0':
        model.guidance_scale = config['config']['cfg'] + 1
    condition = dict(representation=data.get('gen.rep'),
                     label=data.get('gen.cfg0.class_label')).get(
                         model.condition_kind)
    if run == 'e2e':
        condition = sampled_representation(data)
    rng = ReplayRng(2, categorical=data[f'gen.{run}.sampled_raw'].long(),
                    gumbel=data[f'gen.{run}.gumbel'])
    steps = list(model.steps(condition, rng))
    name, every = next(
        (key, int(key[-1])) for key in data
        if key.startswith(f'gen.{run}.logits_stride'))
    columns = {
        name: torch.stack([step.logits[:, ::every] for step in steps]),
        f'gen.{run}.input_ids': torch.stack([s.input_ids for s in steps]),
        f'gen.{run}.next_ids': torch.stack([s.next_ids for s in steps]),
        f'gen.{run}.final_ids': steps[-1].sampled,
        f'gen.{run}.mask_len': torch.stack([
            (s.next_ids == model.network.mask_token)[0].sum()[None]
            for s in steps]),
    }
    for key, ours in columns.items():
        assert_close(key, ours.to(data[key].dtype), data)
    ours = torch.stack([step.confidence for step in steps])
    known = data[f'gen.{run}.confidence'].isinf()
    assert torch.equal(known, ours.isinf())
    # The draw for a known token is never looked at.
    data[f'gen.{run}.confidence'][known] = 0
    assert_close(f'gen.{run}.confidence', ours.masked_fill(known, 0).float(),
                 data)
    images = build_tokenizer(config, weights).decode(steps[-1].sampled)
    images = (images + 1) / 2
    assert_close(f'gen.{run}.image_stride4', images[..., ::4, ::4], data)
    flat = images.flatten(1)
    assert_close(f'gen.{run}.image_mean_std',
                 torch.stack([flat.mean(1), flat.std(1)], 1), data)


def sampled_representation(data):
    config, weights, _ = load_case('rdm_uncond')
    rdm = build_rdm(config, sampler=dict(type='DDIMSampler', num_steps=10))
    rdm.load_state_dict(rdm_from_published(weights))
    draws = [data['gen.e2e.rdm_x_T'], *data['gen.e2e.rdm_noise']]
    return rdm.sample(ReplayRng(2, normal=[d.flatten(-3) for d in draws]))


def tiny(condition=None, **settings):
    torch.manual_seed(0)
    half = dict(dim=16, depth=1, num_heads=2)
    return MAGE(dict(type='MAGEViT', num_codes=8, num_tokens=4, encoder=half,
                     decoder=half, condition=condition, drop=0.,
                     class_tokens=(1, 0),
                     embedding=dict(tied_head=False, std=1.)),
                num_steps=3, **settings).eval()


def test_a_sample_depends_on_its_stream_alone():
    model = tiny()
    whole = model.sample(None, SampleRng.from_seed(0, range(9)))
    assert whole.shape == (9, 4)
    assert whole.min() >= 0
    assert whole.max() < 8
    some = model.sample(None, SampleRng.from_seed(0, [7, 2]))
    assert torch.equal(some, whole[[7, 2]])


def test_guidance_at_one_is_no_guidance():
    condition = dict(type='RepresentationCondition', rep_dim=5)
    model = tiny(condition)
    rep = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))

    def logits(scale):
        model.guidance_scale = scale
        return next(model.steps(rep, SampleRng.from_seed(0, range(6)))).logits

    plain = logits(1)
    torch.testing.assert_close(logits(1 + 1e-9), plain)
    assert not torch.allclose(logits(5.), plain)


def test_labels_need_a_null_label_for_guidance():
    model = tiny(dict(type='LabelCondition', num_classes=3),
                 guidance_scale=2.)
    labels = torch.tensor([0, 2])
    with pytest.raises(ValueError, match='null label'):
        model.sample(labels, SampleRng.from_seed(0, range(2)))
    model = tiny(dict(type='LabelCondition', num_classes=3, drop_prob=.1),
                 guidance_scale=2.)
    assert model.sample(labels, SampleRng.from_seed(0, range(2))).shape == (
        2, 4)


def test_loss_of_an_image_does_not_depend_on_its_batch():
    model = tiny()
    ids = torch.arange(24).view(6, 4) % 8
    whole = model.loss(ids, None, SampleRng.from_seed(1, range(6)))
    halves = [model.loss(ids[rows], None, SampleRng.from_seed(1, rows))
              for rows in ([0, 2, 4], [1, 3, 5])]
    mean = sum(half['loss_tokens'] for half in halves) / 2
    torch.testing.assert_close(whole['loss_tokens'], mean)


def test_bad_settings():
    with pytest.raises(ValueError, match='num_steps'):
        tiny(temperature=-1.)
    with pytest.raises(ValueError, match='low'):
        tiny(mask_ratio=dict(low=.9, high=.5))
