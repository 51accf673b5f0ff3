"""Case ``schedules``; tables of a diffusion model, for other cases too."""
import re

import torch
from torch import nn

from rcg.diffusion import NoiseSchedule
from rcg.models.generators.masking import (
    MaskRatioDistribution,
    unmasking_ratio,
)
from rcg.models.layers.embeddings import position_table, timestep_embedding
from rcg.registry import MODELS, PARAM_SCHEDULERS, TASK_UTILS
from rcg.verification.parity.case import Case

# Position tables by name: does the first half encode the row (or the column),
# and does a row of zeros for the class token come first?
POSITIONS = {'mae': (False, False), 'mae_cls': (False, True),
             'dit': (False, False), 'moco': (True, True)}


def compare_tables(case: Case, schedule: NoiseSchedule,
                   parameterization: str) -> None:
    """``sched.*`` and ``ddim.*`` of a diffusion model."""
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
        lvlb_weights=schedule.vlb_weights(parameterization))
    for name, table in tables.items():
        case.compare_if_stored(f'sched.{name}', table.float())
    for found in case.find(r'(ddim\.S(\d+)\.eta([\d.]+))\.timesteps'):
        sampler = TASK_UTILS.build(dict(
            type='DDIMSampler', num_steps=int(found[2]), eta=float(found[3]),
            spacing='strided'))
        table = sampler.coefficients(schedule)
        table['sqrt_one_minus_alphas'] = (1 - table['alphas']).sqrt()
        for name, column in table.items():
            case.compare_if_stored(f'{found[1]}.{name}', column)


def learning_rates(facts: dict, cosine: bool) -> torch.Tensor:
    """Rates (iterations, 2) of two parameter groups.

    The second has the rate of the first times a factor, which ends the name
    of its column.
    """
    every = facts['iterations_per_epoch']
    warmup, total = facts['warmup_epochs'] * every, facts['epochs'] * every
    factors = [1., *map(float, re.findall(r'[\d.]+$', facts['columns'][1]))]
    optimizer = torch.optim.SGD([
        dict(params=[nn.Parameter(torch.zeros(1))], lr=facts['lr'] * factor)
        for factor in factors])
    # MMEngine's schedule reaches its last value one iteration before `end`,
    # and cannot start from 0.
    configs = [dict(type='LinearLR', start_factor=1e-16, begin=0,
                    end=warmup + 1, by_epoch=False)] if warmup else []
    if cosine:
        configs.append(dict(
            type='CosineAnnealingLR', begin=warmup, end=total,
            T_max=total - warmup, by_epoch=False,
            eta_min_ratio=facts['min_lr'] / facts['lr']))
    schedulers = [PARAM_SCHEDULERS.build(dict(cfg, optimizer=optimizer))
                  for cfg in configs]
    optimizer.step()  # PyTorch warns if a scheduler steps before it
    rates = []
    for _ in range(total):
        rates.append([group['lr'] for group in optimizer.param_groups])
        for scheduler in schedulers:
            scheduler.step()
    return torch.tensor(rates, dtype=torch.float64)


def compare_masks(case: Case) -> None:
    for found in case.find(r'(mask_ratio\.\w+)\.quantiles'):
        facts = case.config[found[1]]
        distribution = MaskRatioDistribution(
            facts['mu'], facts['std'], facts['min'], facts['max'])
        count = case.shape(found[0])[0]
        u = (torch.arange(count, dtype=torch.float64) + .5) / count
        case.compare(found[0], distribution.quantile(u))
    num_steps = case.config['mage']['num_iter']
    ratios = torch.tensor([unmasking_ratio(step, num_steps)
                           for step in range(num_steps)],
                          dtype=torch.float64)
    case.compare_if_stored('mage.mask_ratio_cos', ratios)
    for found in case.find(r'mage\.floor_(\d+)'):
        case.compare(found[0], (int(found[1]) * ratios).floor())


def compare_plain_average(case: Case) -> None:
    """An average without warm-up, whose rate changes at every update."""
    model = nn.ParameterList([nn.Parameter(case['ema_plain.start'].clone())])
    average = MODELS.build(dict(type='TrainableEMA', model=model,
                                warmup=False))
    rates = re.findall(r'\d[\d.]*', case.config['ema_plain'])
    for rate, source in zip(rates, case['ema_plain.sources'], strict=True):
        average.decay = float(rate)
        model[0].data.copy_(source)
        average.update_parameters(model)
    case.compare('ema_plain.end', average.module[0])


def verify(case: Case) -> None:
    for found in case.find(r'lr\.(cosine|const)'):
        case.compare(found[0], learning_rates(case.config['lr'],
                                              found[1] == 'cosine'))
    compare_masks(case)
    for found in case.find(r'pos\.(\w+)'):
        row_first, class_token = POSITIONS[found[1]]
        table = position_table(
            case.config['pos']['dim'], case.config['pos']['grid'], row_first,
            class_token, dtype=case.data[found[0]].dtype)
        case.compare(found[0], table.view(case.shape(found[0])))
    for found in case.find(r'time_embedding\.dim(\d+)'):
        case.compare(found[0], timestep_embedding(case['time_embedding.t'],
                                                  int(found[1])))
    compare_plain_average(case)
