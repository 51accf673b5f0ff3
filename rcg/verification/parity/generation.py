"""Runs ``gen.*`` of the cases ``mage_*``: unmasking, step by step."""
import re

import torch
from torch import Tensor, nn

from rcg.models.generators import MAGE
from rcg.verification.parity.case import Case
from rcg.verification.parity.encoders import mean_and_std
from rcg.verification.parity.rdm_model import build, sampler_config
from rcg.verification.parity.replay import ReplayRng


def guidance_of(case: Case, run: str) -> float:
    """Our guidance scale: the published one, which is off at 0, plus 1."""
    scale = case.config['config']['cfg']
    named = re.fullmatch(r'cfg([\d.]+)', run)
    if named and (float(named[1]) == 0
                  or abs(float(named[1]) - scale) >= 1):  # beyond rounding
        scale = float(named[1])
    return scale + 1


def condition_of(case: Case, generator: MAGE, run: str) -> Tensor | None:
    labels = None
    if f'gen.{run}.class_label' in case:
        labels = case[f'gen.{run}.class_label']
    if generator.condition_kind != 'representation':
        return labels
    if f'gen.{run}.rdm_x_T' not in case:
        return case['gen.rep']
    return drawn_representation(case, f'gen.{run}', labels)


def drawn_representation(case: Case, run: str,
                         labels: Tensor | None) -> Tensor:
    """Drawn from the RDM of the case that config.json names."""
    text = case.config[run]
    text = text[re.search(r'\bRDM\b', text).start():]
    other = Case(case.folder.parent / re.search(r'case (\w+)', text)[1])
    steps, eta = re.search(r'(\d+) (?:DDIM )?steps, eta ([\d.]*\d)',
                           text).groups()
    model = build(other, averaged='EMA' in text or 'averaged' in text,
                  sampler=sampler_config(int(steps), float(eta)))
    draws = [case[f'{run}.rdm_x_T'], *case[f'{run}.rdm_noise']]
    return model.sample(ReplayRng(
        len(draws[0]), normal=[draw.flatten(-3) for draw in draws]), labels)


@torch.no_grad()
def compare(case: Case, generator: MAGE, tokenizer: nn.Module | None,
            run: str) -> None:
    """Compare all that is stored of a run; images only with a tokenizer."""
    stem, mask_token = f'gen.{run}.', generator.network.mask_token
    case.check(stem + 'first_token', set(case.config[stem + 'first_token'])
               == {generator.network.class_token})
    generator.num_steps, batch_size, _ = case.shape(stem + 'input_ids')
    generator.guidance_scale = guidance_of(case, run)
    steps = list(generator.steps(
        condition_of(case, generator, run),
        ReplayRng(batch_size, categorical=case[stem + 'sampled_raw'].long(),
                  gumbel=case[stem + 'gumbel'])))
    for found in case.find(re.escape(stem) + r'logits_stride(\d+)'):
        case.compare(found[0], torch.stack([
            step.logits[:, ::int(found[1])] for step in steps]))
    for name in ('input_ids', 'next_ids', 'confidence'):
        case.compare(stem + name,
                     torch.stack([getattr(step, name) for step in steps]))
    case.compare(stem + 'mask_len', torch.stack([
        (step.next_ids == mask_token)[0].sum()[None] for step in steps]))
    case.compare(stem + 'temperature', torch.tensor(
        [generator.temperature_at(i) for i in range(len(steps))],
        dtype=torch.float64))
    case.compare(stem + 'final_ids', steps[-1].sampled)
    if tokenizer is None:
        return
    images = (tokenizer.decode(steps[-1].sampled) + 1) / 2
    for found in case.find(re.escape(stem) + r'image_stride(\d+)'):
        every = int(found[1])
        case.compare(found[0], images[..., ::every, ::every])
    case.compare(stem + 'image_mean_std', mean_and_std(images))
