"""Training a tokenizer, at tiny sizes."""
import copy
import os

import pytest
import torch
import torch.distributed as dist
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from torch import nn

from rcg.checkpoint import load_weights
from rcg.engine.optim import JointConstructor
from rcg.models.data_preprocessor import ImagePreprocessor, to_uint8
from rcg.registry import MODELS, TOKENIZERS
from tests.forked import call_in_two

TOKENIZER = dict(type='VQGAN', dim=32, dim_mult=(1, 1), num_res_blocks=0,
                 z_dim=4, num_codes=8)
LATENT = dict(type='LatentVQGAN', dim=32, dim_mult=(1, 1), num_res_blocks=1,
              z_dim=4, code_dim=3, num_codes=8, attention_levels=(1, ))
GAME = dict(type='AdversarialLoss', start=2, discriminator=dict(
    type='PatchDiscriminator', dim=8, num_layers=1))
EMA = dict(type='EMACodebook', decay=.9, reseed_interval=3)


@MODELS.register_module()
class TinyFeatures(nn.Module):

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images):
        return [self.conv(images)]


def build(**kwargs):
    torch.manual_seed(0)
    cfg = dict(type='VQTraining', tokenizer=TOKENIZER,
               data_preprocessor=dict(type='rcg.ImagePreprocessor'))
    return MODELS.build(cfg | kwargs)


def batch(step=0, count=4):
    rng = torch.Generator().manual_seed(step)
    positions = torch.arange(count) + count * step
    return dict(
        images=torch.randint(256, (count, 3, 8, 8), dtype=torch.uint8,
                             generator=rng),
        keys=torch.stack([torch.zeros_like(positions), positions], 1),
        indices=positions)


def optimizer_of(model, lr=1e-3):
    return OptimWrapper(torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr))


def train(model, steps, wrapper=None):
    wrapper = wrapper or optimizer_of(model)
    return [model.train_step(batch(step), wrapper) for step in steps]


def state_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def losses_of(model):
    return model(**model.data_preprocessor(batch()), mode='loss')


@pytest.mark.parametrize('kwargs', [
    dict(), dict(pixel_loss='l1', codebook=EMA), dict(adversarial=GAME),
    dict(perceptual=dict(type='PerceptualLoss', weight=.1, network=dict(
        type='TinyFeatures')), codebook=EMA, adversarial=GAME),
    dict(tokenizer=LATENT, adversarial=GAME),
    dict(tokenizer=LATENT, codebook=EMA)])
@pytest.mark.parametrize('warmup_steps', [0, 2])
def test_every_parameter_gets_a_gradient_in_every_phase(kwargs, warmup_steps):
    model = build(warmup_steps=warmup_steps, **kwargs)
    for _ in range(4):
        losses = losses_of(model)
        model.zero_grad()
        sum(v for k, v in losses.items() if 'loss' in k).backward()
        without = [n for n, p in model.named_parameters() if p.grad is None]
        assert without == []
    assert any(p.grad.any() for p in model.tokenizer.down.parameters())


def test_terms_and_monitors():
    model = build(adversarial=GAME, codebook=EMA)
    losses = losses_of(model)
    assert {n for n in losses if 'loss' in n} == {
        'loss_pixel', 'loss_codebook', 'loss_generator', 'loss_discriminator'}
    assert {n for n in losses if 'loss' not in n} == {
        'psnr', 'codebook_usage', 'codebook_perplexity'}
    assert 0 < losses['codebook_usage'] <= 1
    assert 1 <= losses['codebook_perplexity'] <= 8 * (1 + 1e-5)


@pytest.mark.parametrize(('pixel_loss', 'power'), [('l1', 1), ('l2', 2)])
def test_pixel_loss_and_psnr_in_closed_form(pixel_loss, power):
    model = build(pixel_loss=pixel_loss).eval()
    data = model.data_preprocessor(batch())
    with torch.no_grad():
        fakes = model(**data)
        losses = model(**data, mode='loss')
    difference = (fakes - data['images']) / 2  # as in [0, 1]
    torch.testing.assert_close(losses['loss_pixel'],
                               difference.abs().pow(power).mean())
    mse = (fakes.clamp(-1, 1) - data['images']).div(2).square().mean((1, 2, 3))
    torch.testing.assert_close(losses['psnr'], -10 * mse.log10().mean())


def test_warmup_does_not_quantise_and_then_codes_come_from_data():
    model = build(warmup_steps=2)
    codes = model.tokenizer.quantizer.codebook
    before, latents = codes.detach().clone(), []
    model.tokenizer.down.register_forward_hook(
        lambda module, args, out: latents.append(out.detach()))
    wrapper = optimizer_of(model)
    wrapper.optimizer.param_groups[0]['weight_decay'] = 0.
    logs = train(model, range(2), wrapper)
    assert torch.equal(codes, before)
    assert all('codebook_usage' not in log for log in logs)
    assert int(model.step) == 2
    logs = train(model, [2], optimizer_of(model, lr=0.))
    vectors = latents[-1].movedim(1, -1).flatten(0, -2)
    assert torch.cdist(codes.detach(), vectors).amin(1).max() < 1e-3
    assert 'codebook_usage' in logs[0]


def test_warmup_is_the_autoencoder_without_codes():
    model = build(warmup_steps=1)
    data = model.data_preprocessor(batch())
    z = model.tokenizer.latents(data['images'])
    plain = (model.tokenizer.decode_latents(z) - data['images']) / 2
    losses = model(**data, mode='loss')
    torch.testing.assert_close(losses['loss_pixel'], plain.square().mean())
    assert losses['loss_codebook'] == 0


def test_codes_of_a_given_tokenizer_are_kept():
    model = build(warmup_steps=None, codebook=EMA)
    given = torch.randn(8, 4)
    model.tokenizer.quantizer.codebook.copy_(given)
    train(model, [0])
    moved = model.tokenizer.quantizer.codebook
    torch.testing.assert_close(model.codebook.code_sum,
                               moved * model.codebook.cluster_size[:, None],
                               rtol=1e-3, atol=1e-3)
    # Decay .9: unused codes stay where they were.
    with torch.no_grad():
        unchanged = torch.isclose(moved, given, atol=1e-4).all(1)
    assert 0 < unchanged.sum() < 8


def test_averaged_codes_are_no_parameters():
    model = build(codebook=EMA)
    assert all('quantizer' not in n for n, _ in model.named_parameters())
    before = model.tokenizer.quantizer.codebook.clone()
    train(model, range(2))
    assert not torch.equal(model.tokenizer.quantizer.codebook, before)


def test_evaluation_changes_nothing():
    model = build(codebook=EMA)
    train(model, range(2))
    before = state_of(model)
    model.eval()
    losses_of(model)
    model.val_step(batch())
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize('kwargs', [
    dict(), dict(codebook=EMA, adversarial=GAME),
    dict(tokenizer=LATENT, codebook=EMA)])
def test_runs_repeat_and_resume_bit_for_bit(kwargs, tmp_path):
    finished = []
    for _ in range(2):
        model = build(warmup_steps=1, **kwargs)
        train(model, range(5))
        finished.append(state_of(model))
    # Stop after 3 steps, go on from what a file holds.
    model = build(warmup_steps=1, **kwargs)
    wrapper = optimizer_of(model)
    train(model, range(3), wrapper)
    torch.save((model.state_dict(), wrapper.state_dict()), tmp_path / 'a.pth')
    resumed = build(warmup_steps=1, **kwargs)
    train(resumed, [7])  # a past that loading must undo
    state, optimizer = torch.load(tmp_path / 'a.pth')
    resumed.load_state_dict(state)
    wrapper = optimizer_of(resumed)
    wrapper.load_state_dict(optimizer)
    train(resumed, range(3, 5), wrapper)
    finished.append(state_of(resumed))
    for name, value in finished[0].items():
        assert torch.equal(value, finished[1][name]), name
        assert torch.equal(value, finished[2][name]), name


def test_adversarial_step_moves_each_side_by_its_own_loss():
    model = build(adversarial=GAME | dict(start=0))
    before = state_of(model)
    train(model, [0])
    moved = {name for name, value in model.state_dict().items()
             if not torch.equal(value, before[name])}
    assert any(name.startswith('adversarial.') for name in moved)
    assert any(name.startswith('tokenizer.up.') for name in moved)
    # The generator's term gives the discriminator no gradient.
    model.zero_grad()
    losses_of(model)['loss_generator'].backward()
    assert all(p.grad is None for p in model.adversarial.parameters())
    assert model.tokenizer.last_layer is model.tokenizer.up.conv_out.weight
    assert model.tokenizer.last_layer.grad.any()
    # Nor the other way round.
    model.zero_grad()
    losses_of(model)['loss_discriminator'].backward()
    assert all(p.grad is None for p in model.tokenizer.parameters())


def test_perceptual_network_is_neither_trained_nor_stored():
    model = build(perceptual=dict(type='PerceptualLoss', network=dict(
        type='TinyFeatures')))
    network = model.perceptual.network.on(torch.device('cpu'))
    before = copy.deepcopy(network.state_dict())
    assert 'loss_perceptual' in train(model, range(2))[0]
    assert all('perceptual' not in name for name in model.state_dict())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_predict_gives_one_dict_an_image():
    model = build().eval()
    data = batch(step=3)
    results = model.val_step(data)
    assert [r['index'] for r in results] == [12, 13, 14, 15]
    fakes = model(**ImagePreprocessor()(data))
    for i, result in enumerate(results):
        assert torch.equal(result['originals'], data['images'][i])
        assert torch.equal(result['images'], to_uint8(fakes)[i])


def check_that_it_loads(model, config, folder):
    """The trained tokenizer encodes as before, loaded by its prefix."""
    train(model, range(3))
    torch.save({'state_dict': model.state_dict()}, folder / 'a.pth')
    tokenizer = TOKENIZERS.build(config)
    load_weights(tokenizer, str(folder / 'a.pth'), 'tokenizer.')
    images = torch.rand(2, 3, 8, 8) * 2 - 1
    assert torch.equal(tokenizer.encode(images),
                       model.tokenizer.encode(images))


@pytest.mark.parametrize('config', [TOKENIZER, LATENT])
def test_trained_tokenizer_loads_with_its_prefix(config, tmp_path):
    model = build(tokenizer=config, codebook=EMA, adversarial=GAME)
    check_that_it_loads(model, config, tmp_path)


def test_autocast():
    model = build(codebook=EMA, adversarial=GAME | dict(start=0))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = losses_of(model)
    total = sum(v for k, v in losses.items() if 'loss' in k)
    total.backward()
    assert total.dtype == torch.float32
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize('bad', [
    dict(pixel_loss='l3'), dict(warmup_steps=-1)])
def test_bad_arguments(bad):
    with pytest.raises(ValueError, match='got'):
        build(**bad)


def _train_jointly(model, steps, rows):
    part = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=.1))
    wrapper = JointConstructor(dict(
        tokenizer=part, adversarial=part))(model)
    for step in steps:
        model.train_step({k: v[rows] for k, v in batch(step).items()},
                         wrapper)


def learn_half(folder):
    rank = int(os.environ['RANK'])
    dist.init_process_group('gloo')
    model = build(warmup_steps=1, codebook=EMA, adversarial=GAME)
    wrapped = MMDistributedDataParallel(model)
    _train_jointly(wrapped, range(4), slice(rank, None, 2))
    torch.save(model.state_dict(), f'{folder}/{rank}.pth')
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(tmp_path):
    call_in_two(learn_half, tmp_path)
    alone = build(warmup_steps=1, codebook=EMA, adversarial=GAME)
    _train_jointly(alone, range(4), slice(None))
    first, second = (torch.load(tmp_path / f'{rank}.pth') for rank in (0, 1))
    for name, value in alone.state_dict().items():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(first[name], value, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(('warmup', 'iterations', 'warned'), [
    (3, 3, True), (100, 60, True), (0, 0, False), (None, 1, False),
    (3, 4, False)])
def test_a_run_that_never_quantizes_is_a_warning(warmup, iterations, warned,
                                                 monkeypatch):
    lines = []
    monkeypatch.setattr('rcg.pretraining.vqgan.print_log',
                        lambda text, **_: lines.append(text))
    build(warmup_steps=warmup).check_length(iterations)
    assert [f'{warmup} leaves nothing of the {iterations}' in line
            for line in lines] == ([True] if warned else [])
