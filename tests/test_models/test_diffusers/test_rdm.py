"""The RDM against numbers of the published code, and its own contract."""
import pytest
import torch

from rcg.converters.rdm import rdm_from_published, rdm_to_published
from rcg.diffusion import DDIMSampler
from rcg.models.diffusers import RDM
from rcg.models.layers.embeddings import timestep_embedding
from rcg.rng import SampleRng
from tests.reference import (
    ReplayRng,
    assert_close,
    find_cases,
    grad_norms,
    load_case,
)

CASES = find_cases('rdm_')


def vectors(tensor):
    """The published code gives representations fake 1x1 pixels."""
    return tensor.flatten(-3)


def build(config, **changes):
    params = config['config']['model']['params']
    net = params['unet_config']['params']
    class_cond = params.get('class_cond', False)
    settings = dict(
        denoiser=dict(type='DenoisingMLP', rep_dim=net['in_channels'],
                      width=net['model_channels'],
                      num_blocks=net['num_res_blocks'],
                      time_dim=net['time_embed_dim'],
                      context_dim=net.get('context_channels')),
        diffusion=dict(type='GaussianDiffusion', parameterization='x0',
                       schedule='scaled_linear',
                       beta_start=params['linear_start'],
                       beta_end=params['linear_end']),
        sampler=dict(type='DDIMSampler', num_steps=25),
        num_classes=params['cond_stage_config']['params']['n_classes']
        if class_cond else None)
    return RDM(**{**settings, **changes})


@pytest.fixture(params=CASES)
def case(request):
    config, weights, data = load_case(request.param)
    model = build(config)
    model.load_state_dict(rdm_from_published(weights, averaged=False))
    labels = data['class_label'] if model.label_embed else None
    return config, weights, data, model.eval(), labels


def network_output(model, x, t, labels):
    return model._denoise_as(labels)(x, t)


def test_cases_are_there():
    assert {'rdm_uncond', 'rdm_classcond'} <= set(CASES)


def test_network(case):
    _, _, data, model, labels = case
    x, t = vectors(data['net.x']), data['net.t']
    assert_close('net.time_embedding',
                 timestep_embedding(t, model.denoiser.width), data)
    out = network_output(model, x, t, labels)
    assert_close('net.out', out[..., None, None], data)
    row = network_output(model, x[2:3], t[2:3],
                         None if labels is None else labels[2:3])
    assert_close('net.out_batch1', row[..., None, None], data)
    noisy = model.diffusion.add_noise(vectors(data['rep']), t, x)
    assert_close('net.q_sample', noisy[..., None, None], data)
    if labels is not None:
        assert_close('context', model.label_embed(labels)[:, None], data)


@pytest.mark.parametrize('run', ['loss', 'step'])
def test_loss(case, run):
    config, _, data, model, labels = case
    rng = ReplayRng(4, randint=[data[f'{run}.t']],
                    normal=[vectors(data[f'{run}.noise'])])
    losses = model.loss(vectors(data['rep']), rng, labels)
    if run == 'step':
        assert_close('step.loss', losses['loss_diffusion'], data)
        return
    assert_close('loss.total', losses['loss_diffusion'], data)
    assert_close('loss.simple', losses['loss_diffusion'], data)
    assert_close('loss.vlb', losses['vlb'], data)
    losses['loss_diffusion'].backward()
    norms = rdm_to_published(grad_norms(model), averaged=False)
    for name, norm in zip(config['loss.grad_norm_names'],
                          data['loss.grad_norm'].tolist(), strict=True):
        assert norms.pop(name) == pytest.approx(norm, rel=1e-4, abs=1e-6)
    assert not norms  # nothing else has a gradient


def test_schedule_buffers(case):
    _, _, data, model, _ = case
    schedule = model.diffusion.schedule
    signal = schedule.alphas_cumprod
    tables = dict(
        betas=schedule.betas, alphas_cumprod=signal,
        alphas_cumprod_prev=schedule.alphas_cumprod_prev,
        sqrt_alphas_cumprod=signal.sqrt(),
        sqrt_one_minus_alphas_cumprod=(1 - signal).sqrt(),
        log_one_minus_alphas_cumprod=(1 - signal).log(),
        sqrt_recip_alphas_cumprod=(1 / signal).sqrt(),
        sqrt_recipm1_alphas_cumprod=(1 / signal - 1).sqrt(),
        posterior_variance=schedule.posterior_variance,
        posterior_log_variance_clipped=schedule.posterior_variance.clamp(
            min=1e-20).log(),
        posterior_mean_coef1=schedule.posterior_mean_coef_x0,
        posterior_mean_coef2=schedule.posterior_mean_coef_xt,
        lvlb_weights=schedule.vlb_weights('x0'))
    stored = [name for name in data if name.startswith('sched.')]
    assert sorted(stored) == sorted('sched.' + name for name in tables)
    for name, table in tables.items():
        torch.testing.assert_close(table.float(), data[f'sched.{name}'],
                                   rtol=1e-6, atol=0)


@pytest.mark.parametrize('steps', [25, 250])
@pytest.mark.parametrize('eta', [0, 1])
def test_ddim_tables(case, steps, eta):
    _, _, data, model, _ = case
    table = DDIMSampler(steps, eta).coefficients(model.diffusion.schedule)
    stem = f'ddim.S{steps}.eta{eta}.'
    assert torch.equal(table['timesteps'], data[stem + 'timesteps'])
    for name in ('alphas', 'alphas_prev', 'sigmas'):
        torch.testing.assert_close(
            table[name].to(data[stem + name].dtype), data[stem + name],
            rtol=1e-6, atol=0)
    torch.testing.assert_close(
        (1 - table['alphas']).sqrt().float(),
        data[stem + 'sqrt_one_minus_alphas'], rtol=1e-6, atol=0)


@pytest.mark.parametrize('run', ['S25.eta0', 'S25.eta1', 'S250.eta1.ema'])
def test_sampling(case, run):
    config, weights, data, model, labels = case
    steps, eta = run.split('.')[:2]
    model = build(config, sampler=dict(
        type='DDIMSampler', num_steps=int(steps[1:]), eta=int(eta[3:])))
    model.load_state_dict(rdm_from_published(weights, averaged='ema' in run))
    noise = data.get(f'sample.{run}.noise', torch.empty(0))
    start = vectors(data['sample.x_T'])
    rng = ReplayRng(4, normal=[start, *map(vectors, noise)])
    with torch.no_grad():
        out = model.sample(rng, labels)
    assert_close(f'sample.{run}.out', out[..., None, None], data)
    if f'sample.{run}.x' not in data:
        return
    rng = ReplayRng(4, normal=map(vectors, noise))
    denoise = model.diffusion.denoise_with(model._denoise_as(labels))
    with torch.no_grad():
        trace = list(model.sampler.steps(denoise, start, rng,
                                         model.diffusion.schedule))
    for name, first, column in (('x', start, 0), ('pred_x0', start, 1)):
        stack = torch.stack([first, *(step[column] for step in trace)])
        assert_close(f'sample.{run}.{name}', stack[..., None, None], data)


def test_ema(case):
    """Five updates by the published rule, from the stored averages."""
    from rcg.engine.ema import TrainableEMA
    _, weights, data, model, _ = case
    live = {name: p.detach().clone()
            for name, p in model.named_parameters()}
    ema = TrainableEMA(model, decay=.9999)
    averages = rdm_from_published(weights, averaged=True)
    ema.module.load_state_dict(averages)
    for k in range(1, 6):
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(live[name] * (1 + .1 * k))
        ema.update_parameters(model)
    assert int(ema.steps) == int(data['ema_after5.num_updates'])
    for name, tensor in rdm_to_published(ema.module.state_dict()).items():
        if name.startswith('model_ema.'):
            assert_close(name.replace('model_ema', 'ema_after5'), tensor,
                         data)


def test_sample_depends_on_the_stream_alone():
    torch.manual_seed(0)
    model = RDM(
        dict(type='DenoisingMLP', rep_dim=8, width=32, num_blocks=2),
        dict(type='GaussianDiffusion', parameterization='x0'),
        dict(type='DDIMSampler', num_steps=10))
    torch.nn.init.normal_(model.denoiser.output_proj.weight)
    whole = model.sample(SampleRng.from_seed(3, range(6)))
    part = model.sample(SampleRng.from_seed(3, [4, 1]))
    torch.testing.assert_close(part, whole[[4, 1]])
    other = model.sample(SampleRng.from_seed(4, range(6)))
    assert not torch.allclose(other, whole)


def test_bad_arguments():
    denoiser = dict(type='DenoisingMLP', rep_dim=8, width=32, num_blocks=1)
    rest = (dict(type='GaussianDiffusion', parameterization='x0'),
            dict(type='DDIMSampler', num_steps=10))
    with pytest.raises(ValueError, match='context_dim'):
        RDM(denoiser, *rest, num_classes=10)
    model = RDM(dict(denoiser, context_dim=4), *rest, num_classes=10)
    with pytest.raises(ValueError, match='labels'):
        model.sample(SampleRng.from_seed(0, range(2)))
