"""Cases ``rdm_*``: the representation diffusion model."""
import re

import torch
from torch import Tensor

from rcg.models.diffusers import RDM
from rcg.models.layers.embeddings import timestep_embedding
from rcg.registry import MODELS, TASK_UTILS

from . import encoders
from .case import Case
from .replay import ReplayRng
from .schedules import compare_tables
from .weights import Weights, compare_gradients

LIVE = 'model.diffusion_model.'


def vectors(tensor: Tensor) -> Tensor:
    """Without the 1x1 pixels that published representations have."""
    return tensor.flatten(-3)


def pixels(tensor: Tensor) -> Tensor:
    return tensor[..., None, None]


def config_of(case: Case) -> dict:
    """The config of the case's RDM, without encoder."""
    params = case.config['config']['model']['params']
    net = params['unet_config']['params']
    label = params['cond_stage_config']['params']
    conditional = params.get('class_cond', False)
    return dict(
        type='RDM',
        denoiser=dict(
            type='DenoisingMLP', rep_dim=net['in_channels'],
            width=net['model_channels'], num_blocks=net['num_res_blocks'],
            time_dim=net['time_embed_dim'],
            context_dim=label['embed_dim'] if conditional else None),
        diffusion=dict(
            type='GaussianDiffusion', schedule='scaled_linear',
            parameterization=params['parameterization'],
            num_timesteps=params['timesteps'],
            beta_start=params['linear_start'],
            beta_end=params['linear_end']),
        sampler=sampler_config(params['timesteps'], 1.),
        num_classes=label['n_classes'] if conditional else None)


def sampler_config(num_steps: int, eta: float) -> dict:
    """DDIM as published, also where the steps do not divide the timesteps."""
    return dict(type='DDIMSampler', num_steps=num_steps, eta=eta,
                spacing='strided')


def build(case: Case, averaged: bool, **changes) -> RDM:
    """The case's RDM with its live or its averaged weights."""
    model = MODELS.build({**config_of(case), **changes})
    model.load_state_dict(Weights(case, averaged)['rdm'])
    return model.eval()


def with_encoder(case: Case, weights: Weights, images: Tensor) -> RDM:
    part = case.config['config']['model']['params']['pretrained_enc_config']
    state = weights['mocov3']
    cfg = encoders.embedded(
        case, state, images, part['params'].get('num_heads'),
        with_projector=part['params']['pretrained_enc_withproj'])
    model = build(case, averaged=False, encoder=cfg)
    model.encoder.on(images.device).load_state_dict(state)
    return model


def verify(case: Case) -> None:
    images = encoders.images_of(case['image_u8'])
    weights = Weights(case, averaged=False)
    model = with_encoder(case, weights, images)
    labels = None
    if model.label_embed is not None:
        labels = case['class_label']
    case.inputs.add('class_label')  # where there is no condition, unused
    case.compare('rep', pixels(model(images=images)))
    compare_tables(case, model.diffusion.schedule,
                   model.diffusion.parameterization)
    compare_network(case, model, labels)
    compare_losses(case, model, images, labels)
    compare_gradients(case, 'loss', model, weights.names)
    compare_average(case, weights.names)
    for found in case.find(r'sample\.(S(\d+)\.eta([\d.]+?)(\.ema)?)\.out'):
        compare_samples(case, found, labels)


def denoiser_of(model: RDM, labels: Tensor | None):
    """(x_t, t) -> output, with the context bound."""
    if labels is None:
        return model.denoiser
    context = model.label_embed(labels)
    return lambda x_t, t: model.denoiser(x_t, t, context)


@torch.no_grad()
def compare_network(case: Case, model: RDM, labels: Tensor | None) -> None:
    x, t = vectors(case['net.x']), case['net.t']
    case.compare('net.time_embedding',
                 timestep_embedding(t, model.denoiser.width))
    case.compare('net.out', pixels(denoiser_of(model, labels)(x, t)))
    row = slice(2, 3)  # a batch of one must keep its axis
    one = denoiser_of(model, None if labels is None else labels[row])
    case.compare('net.out_batch1', pixels(one(x[row], t[row])))
    noisy = model.diffusion.add_noise(vectors(case['rep']), t, x)
    case.compare('net.q_sample', pixels(noisy))
    # Unconditional: the published code looks up label 0 and ignores it.
    context = (case.weights['cond_stage_model.embedding.weight'][
        torch.zeros(len(x), dtype=torch.long)] if labels is None
        else model.label_embed(labels))
    case.compare('context', context[:, None])


def compare_losses(case: Case, model: RDM, images: Tensor,
                   labels: Tensor | None) -> None:
    def draws(run: str) -> ReplayRng:
        return ReplayRng(len(images), randint=[case[f'{run}.t']],
                         normal=[vectors(case[f'{run}.noise'])])

    losses = model(mode='loss', representations=vectors(case['rep']),
                   rng=draws('loss'), labels=labels)
    total = losses['loss_diffusion']
    case.compare('loss.total', total)
    case.compare('loss.simple', total)
    case.compare('loss.vlb', losses['vlb'])
    total.backward()
    step = model(mode='loss', images=images, rng=draws('step'),
                 labels=labels)
    case.compare('step.loss', step['loss_diffusion'])


def compare_average(case: Case, names: dict[str, str]) -> None:
    """Several updates by the published rule, from the stored averages."""
    counts = list(case.find(r'ema_after(\d+)\.num_updates'))
    for found in counts:
        growth = float(re.search(r'1\+([\d.]+)k', case.config['ema_test'])[1])
        model, start = (build(case, averaged) for averaged in (False, True))
        live = [p.detach().clone() for p in model.parameters()]
        average = MODELS.build(dict(
            type='TrainableEMA', model=start,
            decay=case.weights['model_ema.decay'].item()))
        for k in range(1, int(found[1]) + 1):
            with torch.no_grad():
                for parameter, saved in zip(model.parameters(), live,
                                            strict=True):
                    parameter.copy_(saved * (1 + growth * k))
            average.update_parameters(model)
        case.compare(found[0], average.steps.int())
        ours = average.module.state_dict()
        stem = found[0].removesuffix('num_updates')
        for theirs, name in names.items():
            if theirs.startswith(LIVE):
                short = theirs.removeprefix('model.').replace('.', '')
                case.compare(stem + short, ours[name])


@torch.no_grad()
def compare_samples(case: Case, found: re.Match,
                    labels: Tensor | None) -> None:
    stem, steps, eta, averaged = found.groups()
    model = build(case, bool(averaged),
                  sampler=sampler_config(int(steps), float(eta)))
    start = vectors(case['sample.x_T'])
    name = f'sample.{stem}.noise'
    noise = list(vectors(case[name])) if name in case else []
    out = model.sample(ReplayRng(len(start), normal=[start, *noise]), labels)
    case.compare(found[0], pixels(out))
    trace = list(TASK_UTILS.build(sampler_config(
        int(steps), float(eta))).steps(
            model.diffusion.denoise_with(denoiser_of(model, labels)), start,
            ReplayRng(len(start), normal=noise), model.diffusion.schedule))
    for column, what in enumerate(('x', 'pred_x0')):
        stack = torch.stack([start, *(step[column] for step in trace)])
        case.compare_if_stored(f'sample.{stem}.{what}', pixels(stack))
