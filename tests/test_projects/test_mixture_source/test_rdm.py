"""An RDM whose flow begins in a mixture."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.registry import REPRESENTATION_DIFFUSERS
from rcg.rng import SampleRng
from tests.test_projects.test_mixture_source.parts import mixture, saved


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def build(folder, part=None, **changes):
    part = mixture((4, )) if part is None else part
    return REPRESENTATION_DIFFUSERS.build(dict(
        type='MixtureRDM', mixture=saved(part, folder),
        denoiser=dict(type='DenoisingMLP', rep_dim=4, width=8, num_blocks=1,
                      context_dim=5),
        diffusion=dict(type='FlowMatching'),
        sampler=dict(type='EulerSampler', num_steps=3)) | changes)


@pytest.mark.parametrize('told', [False, True])
def test_it_begins_in_a_mode_that_it_knows(tmp_path, told):
    part = mixture((4, ))
    denoiser = dict(type='DenoisingMLP', rep_dim=4, width=8, num_blocks=1,
                    context_dim=5 if told else None)
    rdm = build(tmp_path, part, mode_condition=told, plain_sampling=True,
                denoiser=denoiser).eval()
    seen = []
    rdm.denoiser.register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs))
    drawn = rdm.sample(SampleRng.from_seed(0, range(6)))
    rng = SampleRng.from_seed(0, range(6))
    modes = part.draw_modes(rng)
    torch.testing.assert_close(seen[0][0], part.draw(modes, rng))
    if told:
        torch.testing.assert_close(seen[0][2], rdm.mode_embed(modes))
    some = rdm.sample(SampleRng.from_seed(0, [4, 1]))
    torch.testing.assert_close(some, drawn[[4, 1]])


def test_prepared_sampling_is_the_same(tmp_path):
    rdm = build(tmp_path).eval()
    for parameter in rdm.parameters():  # the blocks begin as the identity
        torch.nn.init.normal_(parameter, std=.3)
    prepared = rdm.sample(SampleRng.from_seed(0, range(4)))
    rdm.plain_sampling = True
    plain = rdm.sample(SampleRng.from_seed(0, range(4)))
    torch.testing.assert_close(prepared, plain, rtol=1e-4, atol=1e-4)


def test_training_pairs_a_representation_with_its_own_mode(tmp_path):
    part = mixture((4, ))
    part.stds.fill_(1e-6)
    rdm = build(tmp_path, part)
    seen = []
    rdm.denoiser.register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs))
    data = part.centroids[[1, 2, 2]] + .1
    losses = rdm.loss(data, SampleRng.from_seed(0, range(3)))
    x_t, time, context = seen[0]
    t = time[:, None] / 1000
    torch.testing.assert_close(
        x_t, (1 - t) * data + t * part.means[[1, 2, 2]], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(
        context, rdm.mode_embed(torch.tensor([1, 2, 2])))
    losses['loss_diffusion'].backward()
    assert all(p.grad is not None for p in rdm.parameters())
    assert not any('mixture' in name for name in rdm.state_dict())


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ValueError, match='DDIMSampler takes standard|betas'):
        build(tmp_path, sampler=dict(type='DDIMSampler'))
    with pytest.raises(ValueError, match='EulerMaruyamaSampler takes stand'):
        build(tmp_path, sampler=dict(type='EulerMaruyamaSampler'))
    with pytest.raises(ValueError, match=r'the mixture is of \(2,\), wanted'):
        build(tmp_path, mixture((2, )))
    with pytest.raises(ValueError, match='mode_condition needs a denoiser'):
        build(tmp_path, denoiser=dict(type='DenoisingMLP', rep_dim=4, width=8,
                                      num_blocks=1))
