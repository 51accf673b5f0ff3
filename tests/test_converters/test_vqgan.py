"""The published tokenizer, renamed and run, against stored results."""
import pytest
import torch

from rcg.converters.vqgan import vqgan_from_published, vqgan_to_published
from rcg.models.tokenizers import VQGAN
from tests.reference import assert_close, load_case, load_manifest


@pytest.fixture(scope='module')
def published():
    config, weights, case = load_case('vqgan_maskgit')
    sizes = config['ddconfig']
    tokenizer = VQGAN(dim=sizes['ch'], dim_mult=sizes['ch_mult'],
                      num_res_blocks=sizes['num_res_blocks'],
                      z_dim=sizes['z_channels'],
                      num_codes=config['n_embed'])
    tokenizer.load_state_dict(vqgan_from_published(weights))
    return tokenizer.eval(), case


@torch.no_grad()
def results_of(tokenizer, case):
    images = case['image_u8'].float() / 127.5 - 1
    z = tokenizer.latents(images)
    z_q, ids, loss = tokenizer.quantizer(z)
    codes = tokenizer.encode(images)
    return {
        'image_u8': case['image_u8'],
        'latent': z,
        'indices': ids,
        'codebook_loss': loss,
        'z_q': z_q,
        'z_q_from_indices': tokenizer.quantizer.look_up(case['indices']),
        # Stored in [0, 1].
        'decoded_from_indices': (tokenizer.decode(codes) + 1) / 2,
        'reconstruction': (tokenizer(images)[0] + 1) / 2,
    }


def test_every_stored_tensor_is_reproduced(published):
    tokenizer, case = published
    results = results_of(tokenizer, case)
    assert results.keys() == case.keys()
    for name, ours in results.items():
        assert_close(name, ours, case)


def test_flat_ids_are_the_grid_row_by_row(published):
    tokenizer, case = published
    codes = tokenizer.encode(case['image_u8'].float() / 127.5 - 1)
    assert torch.equal(codes, case['indices'].flatten(1))


def test_case_survives_the_way_back():
    _, weights, _ = load_case('vqgan_maskgit')
    back = vqgan_to_published(vqgan_from_published({'state_dict': weights}))
    assert back.keys() == weights.keys()
    assert all(back[name] is weights[name] for name in weights)


def test_full_size_covers_the_published_format():
    wanted = {
        name: tuple(shape) for name, (shape, dtype) in load_manifest(
            'vqgan_tokenizer')['state_dict'].items() if dtype == 'f32'
    }
    assert len(wanted) == 168
    with torch.device('meta'):
        ours = VQGAN().state_dict()
        theirs = {name: torch.empty(shape) for name, shape in wanted.items()}
    to_published = vqgan_to_published(ours)
    from_published = vqgan_from_published(theirs)
    assert {n: tuple(t.shape) for n, t in to_published.items()} == wanted
    assert {n: t.shape for n, t in from_published.items()} == {
        n: t.shape for n, t in ours.items()
    }


def test_foreign_names_are_left_to_the_strict_loader():
    renamed = vqgan_from_published({'loss.logvar': torch.zeros(())})
    assert list(renamed) == ['loss.logvar']
