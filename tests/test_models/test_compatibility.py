"""Parts that do not fit are refused when the model is built."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.checkpoint import reading, save_atomically
from rcg.rng import SampleRng
from tests.test_models import tiny


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        yield


def test_representations_of_another_width():
    with pytest.raises(ValueError, match='model.encoder gives '
                       'representations of 5 values, the generator takes 6'):
        tiny.rcg(encoder=dict(tiny.ENCODER, projector_dim=5))
    denoiser = dict(tiny.DENOISER, rep_dim=7)
    with pytest.raises(ValueError, match='model.rdm gives representations '
                       'of 7 values, the generator takes 6'):
        tiny.rcg(rdm=dict(tiny.RDM, denoiser=denoiser))


def test_widths_do_not_matter_without_representations():
    assert tiny.rcg('label', encoder=None).encoder is None


def test_latents_of_another_size_than_the_network_s():
    """8x8 images have 2x2 latents, the network is for 4x4."""
    model = tiny.rcg(
        tokenizer=dict(type='AutoencoderKL', dim=8, dim_mult=(1, 1, 1),
                       num_res_blocks=0, z_dim=2, norm_groups=1,
                       attention=False),
        generator=tiny.diffusion())
    encoded = model.encode(torch.zeros(3, 3, 8, 8))
    with pytest.raises(ValueError, match=r'\(2, 4, 4\).*got \(2, 2, 2\)'):
        model.loss(encoded['codes'], encoded['representations'],
                   SampleRng.from_seed(0, range(3)))
    with pytest.raises(ValueError, match='downsampling factor 4, got 10'):
        model.encode(torch.zeros(3, 3, 10, 10))


def test_a_guide_s_checkpoint_is_read_once(tmp_path, monkeypatch):
    path, read = str(tmp_path / 'guide.pth'), []
    save_atomically(dict(state_dict=tiny.rcg().state_dict()), path)
    read_torch = reading.read_torch
    monkeypatch.setattr(reading, 'read_torch', lambda file, mapped: (
        read.append(file.name), read_torch(file, mapped))[1])
    tiny.rcg(generator=dict(tiny.generator(), guidance=dict(
        guide=dict(checkpoint=path))))
    assert read == [path]


def test_ids_of_codes_are_no_real_numbers():
    codes = dict(type='StoredRepresentations', num=3, rep_dim=6)
    tiny.rcg(rdm=codes)
    with pytest.raises(ValueError, match='model.rdm gives representations of '
                       'ids of 9 codes, the generator takes real numbers'):
        tiny.rcg(rdm=dict(codes, num_codes=9))
