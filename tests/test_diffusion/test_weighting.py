"""Min-SNR weights against the paper's formulas, for both processes."""
import pytest
import torch

from rcg.diffusion import FlowMatching, GaussianDiffusion
from rcg.diffusion.weighting import min_snr_weight
from rcg.rng import SampleRng

KINDS = 'eps', 'x0', 'v'


def constant(x_t, t):
    return torch.full_like(x_t, .3)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('gamma', [5., .5])
def test_gaussian(kind, gamma):
    """arXiv:2303.09556: min(SNR, gamma), over SNR for eps, over SNR + 1
    for v."""
    options = dict(parameterization=kind, schedule='cosine')
    x0 = SampleRng.from_seed(1, range(40)).normal(3)
    plain, weighted = (GaussianDiffusion(**options, **more).losses(
        constant, x0, SampleRng.from_seed(0, range(40)))
        for more in ({}, dict(min_snr_gamma=gamma)))
    t = SampleRng.from_seed(0, range(40)).randint(1000)
    signal = GaussianDiffusion(**options).schedule.alphas_cumprod[t]
    snr = signal / (1 - signal)
    wanted = snr.clamp(max=gamma) / dict(eps=snr, x0=1., v=snr + 1)[kind]
    assert wanted.min() < .1 < wanted.max()
    torch.testing.assert_close(
        weighted['loss_diffusion'], plain['loss_diffusion'] * wanted.float(),
        rtol=1e-4, atol=0.)
    assert torch.equal(weighted['vlb'], plain['vlb'])


@pytest.mark.parametrize('kind', KINDS)
def test_flow_weights_the_error_in_x0(kind):
    """Each weight is that of x0, min(SNR, 5), in the units of another."""
    x0 = SampleRng.from_seed(1, range(40)).normal(3)
    plain, weighted = (FlowMatching(kind, min_snr_gamma=gamma).losses(
        constant, x0, SampleRng.from_seed(0, range(40)))['loss_diffusion']
        for gamma in (None, 5.))
    t = SampleRng.from_seed(0, range(40)).uniform()
    snr = ((1 - t) / t)**2
    of_x0 = dict(eps=t / (1 - t), x0=torch.ones(40), v=t)[kind]
    torch.testing.assert_close(
        weighted, plain * snr.clamp(max=5) * of_x0**2, rtol=1e-4, atol=0.)


@pytest.mark.parametrize('kind', KINDS)
def test_weights_are_finite_at_both_ends(kind):
    at = FlowMatching().levels_at(torch.tensor([0., 1.]), 1)
    weights = min_snr_weight(kind, at, 5.)
    assert weights.isfinite().all() and weights.max() <= 5


def test_a_learned_variance_keeps_its_bound():
    x0 = SampleRng.from_seed(1, range(8)).normal(3)
    plain, weighted = (GaussianDiffusion(
        'v', learn_variance=True, **more).losses(
            lambda x, t: torch.cat([x, x], 1), x0,
            SampleRng.from_seed(0, range(8)))
        for more in ({}, dict(min_snr_gamma=5.)))
    assert torch.equal(plain['loss_variance'], weighted['loss_variance'])
    assert not torch.equal(plain['loss_diffusion'],
                           weighted['loss_diffusion'])


@pytest.mark.parametrize(('options', 'words'), [
    (dict(min_snr_gamma=-1.), 'must be positive, got -1'),
    (dict(min_snr_gamma=5., use_kl=True), 'by the bound alone')])
def test_arguments(options, words):
    with pytest.raises(ValueError, match=words):
        GaussianDiffusion('eps', **options)
