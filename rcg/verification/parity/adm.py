"""Cases ``adm_*``: ADM's U-Net and its diffusion, over pixels."""
import re

import torch
from torch import Tensor

from rcg.models.encoders.base import standardize
from rcg.models.generators import DiffusionGenerator
from rcg.registry import ENCODERS
from rcg.verification.parity.case import Case, here
from rcg.verification.parity.diffusion import (
    build,
    compare_losses,
    compare_schedules,
    levels_of,
    respaced,
    trace,
)
from rcg.verification.parity.encoders import images_of
from rcg.verification.parity.weights import Weights

# Defaults by the size of the images, if the options name no multipliers.
MULTIPLIERS = {64: '1,2,3,4', 128: '1,1,2,3,4', 256: '1,1,2,2,4,4'}


def network_of(options: dict, num_classes: int) -> dict:
    """The config of the network with these published options."""
    size = options['image_size']
    mult = [int(factor) for factor in (
        options['channel_mult'] or MULTIPLIERS[size]).split(',')]
    condition = None
    if options['rep_cond']:
        condition = dict(type='RepresentationCondition', drop_prob=0.,
                         rep_dim=options['rep_dim'])
    elif options['class_cond']:
        condition = dict(type='LabelCondition', num_classes=num_classes)
    levels = levels_of(options['attention_resolutions'], size, mult)
    return dict(
        type='UNet', input_size=size, in_channels=3,
        dim=options['num_channels'], dim_mult=mult,
        num_res_blocks=options['num_res_blocks'], condition=condition,
        attention_levels=levels,
        form=dict(head_dim=head_dim(options, mult, levels),
                  scale_shift=options['use_scale_shift_norm'],
                  residual_resampling=options['resblock_updown'],
                  learn_variance=options['learn_sigma']))


def head_dim(options: dict, mult: list[int], levels: tuple) -> int:
    """Width of a head, also if the options give a number of heads instead."""
    if options['num_head_channels'] != -1:
        return options['num_head_channels']
    widths = {options['num_channels'] * mult[level]
              for level in (*levels, len(mult) - 1)}
    if len(widths) > 1:
        raise ValueError('with a number of heads, all levels with attention '
                         f'must have one width, got {sorted(widths)}.')
    return widths.pop() // options['num_heads']


def diffusion_of(options: dict) -> dict:
    return dict(
        parameterization='x0' if options['predict_xstart'] else 'eps',
        schedule=options['noise_schedule'],
        num_timesteps=options['diffusion_steps'],
        learn_variance=options['learn_sigma'], clip=1.)


def condition_of(case: Case, generator: DiffusionGenerator,
                 run: str) -> Tensor | None:
    kind = generator.condition_kind
    if kind is None:
        return None
    return case[run + ('.rep' if kind == 'representation' else '.y')]


def verify(case: Case) -> None:
    options, weights = case.config['options'], Weights(case)
    generator = build(
        network_of(options, case.config.get('num_classes', 0)),
        diffusion_of(options), respaced('10'), weights['adm'])
    net, images = generator.network, images_of(case['loss.image_u8'])
    if generator.condition_kind == 'representation':
        compare_representation(case, images)
    with torch.no_grad():
        condition = condition_of(case, generator, 'net')
        case.compare('net.out', net(case['net.x'], case['net.t'],
                                    generator.embed(condition)))
    compare_schedules(case, generator.diffusion.schedule)
    compare_losses(case, generator, 'loss', images,
                   condition_of(case, generator, 'loss'), weights.names)
    for found in case.find(r'(sample\.(ancestral|ddim)(\d+)(_noclip)?)\.out'):
        compare_samples(case, generator, found, condition)


def compare_representation(case: Case, images: Tensor) -> None:
    """Input of the encoder, and standardisation of its output."""
    encoder = here(ENCODERS.build(dict(
        type='MoCoV3ViT', vit=dict(embed_dim=8, depth=1, num_heads=1))))
    for found in case.find(r'loss\.encoder_input_stride(\d+)'):
        every = int(found[1])
        case.compare(found[0],
                     encoder.preprocess(images)[..., ::every, ::every])
    case.compare('loss.rep', standardize(case['loss.rep_raw']))


def compare_samples(case: Case, generator: DiffusionGenerator,
                    found: re.Match, condition: Tensor | None) -> None:
    stem, kind, count, noclip = found.groups()
    generator.diffusion.clip = None if noclip else 1.
    sampler, noise = respaced(count), None
    if kind == 'ddim':
        sampler = dict(type='DDIMSampler', num_steps=int(count), eta=0.,
                       offset=0, to_clean=True, float32_tables=False)
    else:
        noise = case[f'{stem}.noise']
    steps = list(trace(case, generator, sampler, condition, noise))
    case.compare(found[0], steps[-1][0])
    case.compare_if_stored(f'{stem}.step0_pred_x0', steps[0][1])
    for part in case.find(re.escape(stem) + r'\.steps_stride(\d+)'):
        every = int(part[1])
        case.compare(part[0], torch.stack(
            [x[..., ::every, ::every] for x, _ in steps]))
