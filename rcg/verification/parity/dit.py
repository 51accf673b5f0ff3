"""Cases ``dit_*``: the transformer over latents, and its guidance."""
import re

import torch
from torch import Tensor

from rcg.models.generators import DiffusionGenerator
from rcg.verification.parity.case import Case
from rcg.verification.parity.diffusion import (
    build,
    compare_losses,
    compare_schedules,
    respaced,
    trace,
)
from rcg.verification.parity.rules import judge
from rcg.verification.parity.weights import Weights


def network_of(c: dict) -> dict:
    """The config of the network with these published arguments."""
    if c['rep_dropout_prob'] > 0:
        condition = dict(type='RepresentationCondition', rep_dim=c['rep_dim'],
                         drop_prob=c['rep_dropout_prob'])
    else:
        condition = dict(type='LabelCondition', num_classes=c['num_classes'],
                         drop_prob=c['class_dropout_prob'])
    return dict(
        type='DiT', input_size=c['input_size'], patch_size=c['patch_size'],
        in_channels=c['in_channels'], dim=c['hidden_size'], depth=c['depth'],
        num_heads=c['num_heads'], condition=condition,
        learn_variance=c['learn_sigma'])


def verify(case: Case) -> None:
    c, weights = case.config['config'], Weights(case)
    generator = build(
        network_of(c), dict(parameterization='eps',
                            learn_variance=c['learn_sigma']),
        respaced('10'), weights['dit'])
    generator.guidance.channels = 3  # of 4, as published
    case.check('pos_embed', torch.equal(
        case.weights['pos_embed'][0].float(), generator.network.position))
    rep = generator.condition_kind == 'representation'
    key = 'rep' if rep else 'y'
    case.inputs |= {'net.y', 'loss.y'}  # stored, but unused, beside 'rep'
    compare_network(case, generator, case[f'net.{key}'])
    compare_schedules(case, generator.diffusion.schedule)
    condition, x0 = case[f'loss.{key}'], case['loss.x0']
    compare_losses(case, generator, 'loss.eval', x0, condition)
    draws = case['loss.train.rand']
    compare_losses(case, generator, 'loss.train', x0, condition,
                   weights.names, draws[:, None] if rep else draws)
    for found in case.find(r'(sample\.(plain|guided)(\d+))\.out'):
        compare_samples(case, generator, found, case[f'net.{key}'])


@torch.no_grad()
def compare_network(case: Case, generator: DiffusionGenerator,
                    condition: Tensor) -> None:
    net, inputs = generator.network, (case['net.x'], case['net.t'])
    case.compare('net.out', net(*inputs, generator.embed(condition)))
    generator.guidance_scale = case.config['guided.scale']
    count = len(condition)
    first = generator.guided_network(condition)(*inputs, progress=1.)
    # Published: (N conditions, N null conditions), guided channels the same.
    rest = net(*inputs, net.condition_embed.null(count))
    guided = generator.guidance.channels
    case.compare('guided.out', torch.cat([first, torch.cat(
        [first[:, :guided], rest[:, guided:]], 1)]))


def compare_samples(case: Case, generator: DiffusionGenerator,
                    found: re.Match, condition: Tensor) -> None:
    """Compare samples: of a guided batch, the first half.

    The second half is sampled with the null condition; the published code
    drops it as well.
    """
    stem, kind, count = found.groups()
    rows = len(condition)
    generator.guidance_scale = (
        case.config['guided.scale'] if kind == 'guided' else 1.)
    *_, (out, _) = trace(case, generator, respaced(count), condition,
                         case[f'{stem}.noise'][:, :rows])
    floor = case.config.get('noise_floor', {}).get(found[0], 0.)
    case.add(found[0], judge(found[0], out, case.data[found[0]][:rows],
                             floor))
