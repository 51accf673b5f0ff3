"""Cases ``rdm_*``: the representation diffusion model."""
import re
from functools import partial

import torch
from torch import Tensor

from rcg.models.diffusers import RDM
from rcg.models.layers.embeddings import timestep_embedding
from rcg.registry import MODELS
from rcg.verification.parity import encoders
from rcg.verification.parity.case import Case
from rcg.verification.parity.rdm_model import (
    build,
    denoiser_of,
    pixels,
    sampler_config,
    vectors,
)
from rcg.verification.parity.replay import ReplayRng
from rcg.verification.parity.schedules import compare_tables
from rcg.verification.parity.weights import Weights, compare_gradients

LIVE = 'model.diffusion_model.'


def with_encoder(case: Case, weights: Weights, images: Tensor) -> RDM:
    """The case's RDM with live weights and the encoder of the file."""
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
    case.inputs.add('class_label')  # an unconditional case stores it, too
    case.compare('rep', pixels(model(images=images)))
    compare_tables(case, model.diffusion.schedule,
                   model.diffusion.parameterization)
    compare_network(case, model, labels)
    compare_losses(case, model, images, labels)
    compare_gradients(case, 'loss', model, weights.names)
    compare_average(case, weights.names)
    for found in case.find(r'sample\.(S(\d+)\.eta([\d.]+?)(\.ema)?)\.out'):
        compare_samples(case, found, labels)


@torch.no_grad()
def compare_network(case: Case, model: RDM, labels: Tensor | None) -> None:
    x, t = vectors(case['net.x']), case['net.t']
    # CPUs differ in the last bit of PyTorch's exponential, that is of a
    # frequency. The error of an angle is that, times t.
    case.compare('net.time_embedding',
                 timestep_embedding(t, model.denoiser.width),
                 floor=t.max().item() * 2**-24 / 50)
    case.compare('net.out', pixels(denoiser_of(model, labels)(x, t)))
    # A batch of one keeps its batch axis.
    row = int(re.search(r'row (\d+)', case.config.get(
        'net.out_batch1', 'row 2'))[1])
    row = slice(row, row + 1)
    labels_of_row = None if labels is None else labels[row]
    predict = denoiser_of(model, labels_of_row)
    case.compare('net.out_batch1', pixels(predict(x[row], t[row])))
    noisy = model.diffusion.add_noise(vectors(case['rep']), t, x)
    case.compare('net.q_sample', pixels(noisy))
    if labels is None:
        # The published code looks up label 0; its network ignores the result.
        embedding = case.weights['cond_stage_model.embedding.weight']
        context = embedding[:1].expand(len(x), -1)
    else:
        context = model.label_embed(labels)
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
    """The averages after several updates, counted from the stored ones."""
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
    denoise = partial(model.diffusion.denoise, denoiser_of(model, labels))
    trace = list(model.sampler.steps(
        denoise, start, ReplayRng(len(start), normal=noise),
        model.diffusion.schedule))
    for column, what in enumerate(('x', 'pred_x0')):
        stack = torch.stack([start, *(step[column] for step in trace)])
        case.compare_if_stored(f'sample.{stem}.{what}', pixels(stack))
