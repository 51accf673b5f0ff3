"""What the cases ``adm_*``, ``ldm_*`` and ``dit_*`` share."""
import re
from collections.abc import Iterator

import torch
from torch import Tensor

from rcg.diffusion import NoiseSchedule
from rcg.models.generators import DiffusionGenerator
from rcg.registry import PIXEL_GENERATORS, TASK_UTILS
from rcg.verification.parity.case import Case, here
from rcg.verification.parity.replay import ReplayRng
from rcg.verification.parity.weights import compare_gradients


def build(network: dict, diffusion: dict, sampler: dict,
          weights: dict[str, Tensor]) -> DiffusionGenerator:
    generator = here(PIXEL_GENERATORS.build(dict(
        type='DiffusionGenerator', network=network, sampler=sampler,
        diffusion=dict(diffusion, type='GaussianDiffusion'))))
    generator.network.load_state_dict(weights)
    return generator.eval()


def respaced(name: str, **changes) -> dict:
    """The sampler of a published spacing: '250', or 'ddim25'."""
    spacing = 'uniform' if name.startswith('ddim') else 'rounded'
    return dict(dict(type='DDPMSampler', spacing=spacing,
                     num_steps=int(name.removeprefix('ddim'))), **changes)


def compare_schedules(case: Case, schedule: NoiseSchedule) -> None:
    """``schedule.*`` and ``respaced.*``, all in float64."""
    tables = dict(
        betas=schedule.betas, alphas_cumprod=schedule.alphas_cumprod,
        posterior_variance=schedule.posterior_variance,
        posterior_log_variance_clipped=schedule.log_variance_range[0],
        posterior_mean_coef1=schedule.posterior_mean_coef_x0,
        posterior_mean_coef2=schedule.posterior_mean_coef_xt)
    for name, table in tables.items():
        case.compare_if_stored(f'schedule.{name}', table)
    for found in case.find(r'(respaced\.(\w+))\.timestep_map'):
        sampler = TASK_UTILS.build(respaced(found[2]))
        timesteps = sampler.timesteps(schedule)
        case.compare(found[0], torch.tensor(timesteps))
        case.compare(f'{found[1]}.betas', schedule.respaced(timesteps).betas)


def compare_losses(case: Case, generator: DiffusionGenerator, run: str,
                   codes: Tensor, condition: Tensor | None,
                   names: dict[str, str] | None = None,
                   dropped: Tensor | None = None) -> None:
    """Losses of a run, one a row; the variance must be learned.

    Args:
        run: How the names of its tensors start.
        codes: Clean data.
        names: See :func:`compare_gradients`; None: do not compare them.
        dropped: Uniform random numbers that decide which conditions are
            dropped; None: no condition is dropped.
    """
    draws = {} if dropped is None else dict(uniform=[dropped])
    rng = ReplayRng(len(codes), randint=[case['loss.t']],
                    normal=[case['loss.noise']], **draws)
    net = generator.network
    embedding = generator.embed(condition, None if dropped is None else rng)
    losses = generator.diffusion.losses(
        lambda x, t: net(x, t, embedding), codes, rng)
    mse, bound = losses['loss_diffusion'], losses['loss_variance']
    for name, value in dict(mse=mse, vb=bound, loss=mse + bound).items():
        case.compare(f'{run}.{name}', value)
    if names is not None:
        generator.zero_grad()
        (mse + bound).mean().backward()
        compare_gradients(case, run, net, names)


def trace(case: Case, generator: DiffusionGenerator, sampler: dict,
          condition: Tensor | None, noise: Tensor | None = None
          ) -> Iterator[tuple[Tensor, Tensor]]:
    """Steps (x, predicted x0) of a sampler that starts at the stored x_T."""
    start = case['sample.x_T']
    rng = ReplayRng(len(start), normal=[] if noise is None else noise)
    with torch.no_grad():
        yield from TASK_UTILS.build(sampler).steps(
            generator.denoiser(condition), start, rng,
            generator.diffusion.schedule)


def levels_of(resolutions: str, size: int, mult: list[int]) -> tuple:
    """Levels whose resolution is in a list such as '32,16,8'."""
    wanted = {int(number) for number in re.findall(r'\d+', resolutions)}
    return tuple(level for level in range(len(mult))
                 if size // 2**level in wanted)
