"""LatentVQGAN at small sizes; its numbers are in test_converters."""
import pytest
import torch

from rcg.models.tokenizers import LatentVQGAN
from rcg.registry import TOKENIZERS


def build(**kwargs):
    torch.manual_seed(0)
    return TOKENIZERS.build(dict(
        dict(type='LatentVQGAN', dim=32, dim_mult=(1, 2, 1),
             num_res_blocks=1, z_dim=6, code_dim=3, num_codes=16,
             attention_levels=(2, )), **kwargs))


@pytest.fixture(scope='module')
def tokenizer():
    tokenizer = build()
    torch.nn.init.normal_(tokenizer.quantizer.codebook)
    return tokenizer.requires_grad_(False)


def test_default_is_f8():
    with torch.device('meta'):
        tokenizer = LatentVQGAN()
    assert (tokenizer.grid_size(256), tokenizer.num_codes) == (32, 16384)


def test_codes_are_latents_that_decoding_rounds(tokenizer):
    images = torch.rand(2, 3, 16, 24) * 2 - 1
    codes = tokenizer.encode(images)
    assert codes.shape == (2, 3, 4, 6)
    assert torch.equal(codes, tokenizer.latents(images))
    rounded = tokenizer.quantizer.look_up(tokenizer.quantizer.encode(codes))
    assert not torch.allclose(codes, rounded, atol=.1)
    decoded = tokenizer.decode(codes)
    assert decoded.shape == images.shape
    assert torch.equal(decoded, tokenizer.decode_latents(rounded))
    # A code is a fixed point, and small errors are taken from it.
    assert torch.equal(tokenizer.decode(rounded + 1e-3), decoded)
    reconstruction, ids, _ = tokenizer(images)
    assert torch.allclose(reconstruction, decoded, atol=1e-4)
    assert ids.shape == (2, 24)


def test_gradients_reach_every_parameter():
    tokenizer = build(dim=64)
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    reconstruction, _, loss = tokenizer(images)
    ((reconstruction - images).abs().mean() + loss).backward()
    without = [n for n, p in tokenizer.named_parameters() if p.grad is None]
    zero = [n for n, p in tokenizer.named_parameters() if not p.grad.any()]
    assert (without, zero) == ([], [])


def test_rows_do_not_depend_on_the_batch(tokenizer):
    images = torch.rand(4, 3, 16, 16) * 2 - 1
    alone = tokenizer.decode(tokenizer.encode(images[1:2]))
    together = tokenizer.decode(tokenizer.encode(images))[1:2]
    assert torch.allclose(alone, together, atol=1e-5)


def test_sizes_that_do_not_divide(tokenizer):
    with pytest.raises(ValueError, match='factor 4, got 18'):
        tokenizer.encode(torch.zeros(1, 3, 16, 18))


@pytest.mark.parametrize(('sizes', 'message'), [
    (dict(attention_levels=(3, )), r'in \[0, 3\).*got \[3\]'),
    (dict(dim=48), 'multiple of the 32 groups'),
    (dict(num_res_blocks=0), 'same width')])
def test_sizes_that_do_not_fit(sizes, message):
    with pytest.raises(ValueError, match=message):
        build(**sizes)
