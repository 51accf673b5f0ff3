"""The RDM against numbers of the published code, and its own contract."""
import pytest
import torch

from rcg.models.diffusers import RDM
from rcg.rng import SampleRng
from tests.reference import assert_reproduced


@pytest.mark.parametrize('name', ['rdm_uncond', 'rdm_classcond'])
def test_published_numbers(name):
    assert_reproduced(name)


def test_sample_depends_on_the_stream_alone():
    torch.manual_seed(0)
    model = RDM(
        dict(type='DenoisingMLP', rep_dim=8, width=32, num_blocks=2),
        dict(type='GaussianDiffusion', parameterization='x0'),
        dict(type='DDIMSampler', num_steps=10))
    torch.nn.init.normal_(model.denoiser.output_proj.weight)
    whole = model.sample(SampleRng.from_seed(3, range(6)))
    part = model.sample(SampleRng.from_seed(3, [4, 1]))
    torch.testing.assert_close(part, whole[[4, 1]])
    other = model.sample(SampleRng.from_seed(4, range(6)))
    assert not torch.allclose(other, whole)


def test_bad_arguments():
    denoiser = dict(type='DenoisingMLP', rep_dim=8, width=32, num_blocks=1)
    rest = (dict(type='GaussianDiffusion', parameterization='x0'),
            dict(type='DDIMSampler', num_steps=10))
    with pytest.raises(ValueError, match='context_dim'):
        RDM(denoiser, *rest, num_classes=10)
    model = RDM(dict(denoiser, context_dim=4), *rest, num_classes=10)
    with pytest.raises(ValueError, match='labels'):
        model.sample(SampleRng.from_seed(0, range(2)))
