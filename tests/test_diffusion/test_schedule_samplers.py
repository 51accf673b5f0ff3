"""Timesteps drawn by their losses: closed forms, processes, resuming."""
import os

import pytest
import torch
from torch import distributed as dist

from rcg.checkpoint import read_checkpoint
from rcg.diffusion import GaussianDiffusion, LossSecondMomentResampler
from rcg.rng import SampleRng
from tests.forked import call_in_two

T = 8
LEVELS = torch.arange(1., T + 1)  # the loss of each timestep


def rng_at(positions) -> SampleRng:
    return SampleRng.from_seed(0, positions)


def filled(levels=LEVELS, size=3, **changes) -> LossSecondMomentResampler:
    """One that has seen the loss of each timestep often enough."""
    sampler = LossSecondMomentResampler(len(levels), size, **changes)
    t = torch.arange(len(levels)).repeat(size)
    sampler.update(t, levels[t], rng_at(range(len(t))))
    return sampler


def test_probabilities_are_the_roots_of_the_second_moments():
    sampler = LossSecondMomentResampler(2, 2, uniform_prob=.25)
    t = torch.tensor([0, 1, 0, 1])
    sampler.update(t, torch.tensor([3., 1., 4., 7.]), rng_at(range(4)))
    roots = torch.tensor([(9 + 16) / 2, (1 + 49) / 2]).sqrt()
    torch.testing.assert_close(sampler.probabilities(),
                               .75 * roots / roots.sum() + .25 / 2)


def test_even_until_each_timestep_has_its_history():
    sampler = LossSecondMomentResampler(T, 2)
    even = torch.full((T, ), 1 / T)
    for number in range(2):
        torch.testing.assert_close(sampler.probabilities(), even)
        drawn, weights = sampler.draw(rng_at(range(4000)))
        torch.testing.assert_close(weights, torch.ones(4000))
        assert drawn.bincount(minlength=T).min() > 400  # 500 expected
        sampler.update(torch.arange(T), LEVELS, rng_at(range(T)))
    assert sampler.probabilities().argmax() == T - 1


def test_the_weighted_mean_is_that_of_even_timesteps():
    sampler = filled()
    p = sampler.probabilities()
    assert p.sum() == pytest.approx(1)
    t, weights = sampler.draw(rng_at(range(200000)))
    torch.testing.assert_close(weights, 1 / (T * p[t]))
    share = t.bincount(minlength=T) / len(t)
    torch.testing.assert_close(share, p, rtol=.05, atol=0.)
    assert (weights * LEVELS[t]).mean() == pytest.approx(4.5, rel=1e-3)
    # Without even draws, losses that depend on t alone lose all variance.
    t, weights = filled(uniform_prob=0.).draw(rng_at(range(100)))
    torch.testing.assert_close(weights * LEVELS[t], torch.full((100, ), 4.5))


def test_a_row_depends_on_its_stream_alone():
    sampler = filled()
    whole, part = sampler.draw(rng_at(range(9))), sampler.draw(rng_at([7, 2]))
    for ours, theirs in zip(part, whole, strict=True):
        assert torch.equal(ours, theirs[[7, 2]])


def reference_history(t, losses, size):
    kept = {}
    for time, loss in zip(t.tolist(), losses.tolist(), strict=True):
        kept[time] = [*kept.get(time, []), loss][-size:]
    return kept


@pytest.mark.parametrize('batch', [1, 5, 40])
def test_the_last_losses_are_kept(batch):
    """More than fit, in batches in which a timestep comes many times."""
    sampler = LossSecondMomentResampler(4, 3)
    rng = rng_at(range(40))
    t, losses = rng.randint(4), rng.uniform()
    for start in range(0, 40, batch):
        rows = slice(start, start + batch)
        sampler.update(t[rows], losses[rows], SampleRng(rng.keys[rows]))
    for time, kept in reference_history(t, losses, 3).items():
        assert sorted(sampler.history[time].tolist()) == sorted(kept)
    assert torch.equal(sampler.counts[:-1], t.bincount(minlength=4))


def test_what_is_not_finite_is_forgotten():
    sampler = filled()
    before = sampler.probabilities()
    sampler.update(torch.arange(4), torch.tensor(
        [float('nan'), float('inf'), -float('inf'), 4.]), rng_at(range(4)))
    assert torch.equal(sampler.probabilities(), before)
    assert sampler.history.isfinite().all()  # or no run would resume from it


def diffusion(**changes) -> GaussianDiffusion:
    return GaussianDiffusion(
        'eps', num_timesteps=T, schedule_sampler=dict(
            type='LossSecondMomentResampler', history_per_term=2), **changes)


def trained(model, steps, ranks=(0, 1), each=2):
    """Losses of steps of a batch of 4, or of the rows of some ranks."""
    found = []
    for step in steps:
        rng = rng_at([step * 4 + row * 2 + rank for row in range(each)
                      for rank in ranks])
        found.append(model.losses(lambda x, t: x, rng.normal(3), rng)[
            'loss_diffusion'])
    return torch.stack(found)


def test_a_saved_history_goes_on():
    whole, first, second = diffusion(), diffusion(), diffusion()
    wanted = trained(whole, range(30))
    assert (whole.schedule_sampler.counts[:-1] >= 2).all()
    assert torch.equal(trained(first, range(12)), wanted[:12])
    second.load_state_dict(first.state_dict())
    assert torch.equal(trained(second, range(12, 30)), wanted[12:])


def test_sampling_and_evaluation_leave_the_history():
    model = diffusion().eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    trained(model, range(2))
    assert all(torch.equal(v, before[k])
               for k, v in model.state_dict().items())
    assert not GaussianDiffusion('eps').state_dict()


def worker(folder):
    rank = int(os.environ['RANK'])
    dist.init_process_group('gloo')
    model = diffusion()
    torch.save(dict(losses=trained(model, range(30), ranks=(rank, )),
                    **model.state_dict()), f'{folder}/{rank}.pt')
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_have_the_history_of_one(tmp_path):
    call_in_two(worker, tmp_path)
    model = diffusion()
    losses = trained(model, range(30))
    for rank in range(2):
        found = read_checkpoint(tmp_path / f'{rank}.pt')
        assert torch.equal(found.pop('losses'), losses[:, rank::2])
        for name, value in model.state_dict().items():
            assert torch.equal(found[name], value), name


@pytest.mark.parametrize('wrong', [{'history_per_term': 0},
                                   {'uniform_prob': 1.5}])
def test_arguments(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LossSecondMomentResampler(4, **wrong)
