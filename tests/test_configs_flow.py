"""The configs by flow matching: what they share with those by diffusion."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.engine.schedule import resolve_lr
from rcg.registry import MODELS, PIXEL_GENERATORS
from rcg.rng import SampleRng
from tests.test_configs import build, count
from tests.test_configs_imagenet import load

PAIRS = [('rcg/sit_xl', 'rcg/dit_xl'), ('digits/dit_flow', 'digits/dit'),
         ('digits/adm_flow', 'digits/adm')]


def without_variance(network):
    """A network's config as it is without a learned variance."""
    if 'form' in network:
        return dict(network, form=dict(network.form, learn_variance=False))
    return dict(network, learn_variance=False)


@pytest.mark.parametrize(('flow', 'plain'), [
    *PAIRS, *((f'{flow}_uncond', f'{plain}_uncond')
              for flow, plain in PAIRS)])
def test_a_generator_differs_in_process_and_sampler_alone(flow, plain):
    flow, plain = load(flow), load(plain)
    assert flow.model.generator.network == without_variance(
        plain.model.generator.network)
    for key in ('encoder', 'rdm', 'tokenizer'):
        assert flow.model[key] == plain.model[key]
    if 'digits' in flow.work_dir or 'quickstart' in flow.work_dir:
        for key in ('train_cfg', 'optim_wrapper', 'train_dataloader',
                    'param_scheduler', 'test_evaluator', 'custom_hooks'):
            assert flow[key] == plain[key], key


@pytest.mark.parametrize(('flow', 'plain'), [
    ('rdm/mocov3_vit_b_flow', 'rdm/mocov3_vit_b'),
    ('rdm/mocov3_vit_l_flow', 'rdm/mocov3_vit_l'),
    ('digits/rdm_flow', 'digits/rdm')])
def test_an_rdm_differs_in_process_and_sampler_alone(flow, plain):
    flow, plain = load(flow).to_dict(), load(plain).to_dict()
    for cfg in (flow, plain):
        del cfg['work_dir'], cfg['model']['diffusion'], cfg['model']['sampler']
    assert flow == plain


def test_sit_is_the_published_recipe():
    """arXiv:2401.08740: DiT's optimizer, 256 images, 7 million steps."""
    cfg = load('rcg/sit_xl_label')
    # Published: 675 M, of which a tenth of a million is the last layer's
    # half for a variance, which DiT has.
    assert count(build(cfg)) / 1e6 == pytest.approx(675, rel=.002)
    processes, batch = 16, cfg.train_dataloader.batch_size
    assert processes * batch == 256
    assert cfg.train_cfg.max_samples / 256 == pytest.approx(7e6, rel=.01)
    options = cfg.optim_wrapper.to_dict()
    resolve_lr(options, batch, processes)
    optimizer = options['optimizer']
    assert optimizer['lr'] == pytest.approx(1e-4)
    assert optimizer['betas'] == (.9, .999)
    assert optimizer['weight_decay'] == 0 and not cfg.get('param_scheduler')
    hook, = cfg.custom_hooks
    assert hook.decay == .9999
    assert [step.type for step in cfg.train_dataloader.dataset.pipeline] == [
        'Resize', 'CenterCrop', 'RandomFlip']
    assert cfg.model.generator.diffusion == dict(
        type='FlowMatching', parameterization='v')


@pytest.mark.parametrize(('options', 'calls'), [
    ({}, 249),
    ({'sampler.type': 'EulerMaruyamaSampler', 'sampler.num_steps': 250,
      'sampler.last': .04}, 250)])
def test_sit_is_sampled_in_250_steps(options, calls):
    """The ODE and, by the options of the config's header, the SDE."""
    generator = build(load('rcg/sit_xl', **{
        f'model.generator.{key}': value
        for key, value in options.items()})).generator
    times = generator.sampler.timesteps(generator.diffusion.schedule)
    assert times[-1] == 1
    found = 2 * len(times) - 1 if not options else len(times)
    assert found == calls
    if options:
        assert times[0] == pytest.approx(.04)


def test_sit_learns_and_samples_at_full_size():
    """Shapes alone, on "meta": 32 x 32 latents of 4 channels."""
    model = build(load('rcg/sit_xl', **{
        'model.generator.sampler.num_steps': 2}))
    rng = SampleRng(torch.zeros(2, 2, dtype=torch.int64, device='meta'))
    codes, condition = rng.normal(4, 32, 32), rng.normal(256)
    loss = model.generator.loss(codes, condition, rng)
    assert list(loss) == ['loss_diffusion']
    assert loss['loss_diffusion'].shape == ()
    assert model.generator.sample(condition, rng).shape == codes.shape


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        yield


def fitted(model, loss, batch=8):
    """Losses before and after some steps."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    found = []
    for _ in range(3):
        optimizer.zero_grad()
        value = sum(loss(SampleRng.from_seed(0, range(batch))).values())
        value.backward()
        optimizer.step()
        found.append(value.item())
    return found


@pytest.mark.parametrize('name', ['dit_flow', 'adm_flow', 'adm_flow_uncond'])
def test_generators_of_digits_train_and_sample(name):
    cfg = load(f'digits/{name}', **{
        'model.generator.guidance_scale': 1.}).model.generator
    cfg.sampler.num_steps = 2
    torch.manual_seed(0)
    model = PIXEL_GENERATORS.build(cfg.to_dict())
    net, rng = model.network, SampleRng.from_seed(1, range(8))
    codes = rng.normal(net.in_channels, net.input_size, net.input_size)
    condition = None if name.endswith('uncond') else rng.normal(64)
    first, *_, last = fitted(
        model, lambda rng: model.loss(codes, condition, rng))
    assert last < first
    model.eval()
    drawn = model.sample(condition, SampleRng.from_seed(2, range(8)))
    assert drawn.shape == codes.shape and drawn.isfinite().all()
    rows = [5, 2]
    some = model.sample(None if condition is None else condition[rows],
                        SampleRng.from_seed(2, rows))
    torch.testing.assert_close(some, drawn[rows], rtol=1e-4, atol=1e-4)


def test_the_rdm_of_digits_trains_and_samples():
    cfg = load('digits/rdm_flow').model
    cfg.sampler.num_steps, cfg.encoder = 3, None
    torch.manual_seed(0)
    model = MODELS.build(cfg.to_dict())
    data = SampleRng.from_seed(1, range(8)).normal(64)
    first, *_, last = fitted(model, lambda rng: model.loss(data, rng))
    assert last < first
    drawn = model.eval().sample(SampleRng.from_seed(2, range(8)))
    assert drawn.shape == (8, 64) and drawn.isfinite().all()
