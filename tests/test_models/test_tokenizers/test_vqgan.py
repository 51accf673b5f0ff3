"""The tokenizer at small sizes; its numbers are in test_converters."""
import pytest
import torch

from rcg.models.tokenizers import VQGAN
from rcg.registry import TOKENIZERS


def build(**kwargs):
    torch.manual_seed(0)
    return TOKENIZERS.build(dict(
        dict(type='VQGAN', dim=32, dim_mult=(1, 1, 1), num_res_blocks=1,
             z_dim=8, num_codes=16), **kwargs))


@pytest.fixture(scope='module')
def tokenizer():
    return build()


@pytest.mark.parametrize(('dim_mult', 'size', 'grid'), [
    ((1, 1, 1), 16, 4), ((1, 2), 16, 8), ((1, 1, 2, 1), 32, 4), ((2, ), 8, 8),
    ((1, 1, 1, 1, 1), 64, 4)])
def test_shapes(dim_mult, size, grid):
    tokenizer = build(dim_mult=dim_mult, num_res_blocks=2)
    images = torch.rand(2, 3, size, size) * 2 - 1
    codes = tokenizer.encode(images)
    assert tokenizer.grid_size(size) == grid
    assert codes.shape == (2, grid**2)
    assert codes.dtype == torch.int64
    assert 0 <= codes.min() <= codes.max() < 16
    assert tokenizer.latents(images).shape == (2, 8, grid, grid)
    assert tokenizer.decode(codes).shape == images.shape


@pytest.mark.parametrize(('size', 'grid'), [(16, 1), (256, 16), (512, 32)])
def test_default_is_f16(size, grid):
    with torch.device('meta'):
        tokenizer = VQGAN()
    assert (tokenizer.grid_size(size), tokenizer.num_codes) == (grid, 1024)


def test_no_residual_blocks():
    plain = build(num_res_blocks=0)
    codes = plain.encode(torch.zeros(1, 3, 16, 16))
    assert plain.decode(codes).shape == (1, 3, 16, 16)


def test_gradients_reach_every_parameter():
    tokenizer = build(dim_mult=(1, 2, 1))
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    fakes, codes, loss = tokenizer(images)
    assert codes.shape == (2, 16)
    ((fakes - images).abs().mean() + loss).backward()
    # With one channel a group, a norm removes the bias before it, so some
    # gradients are tiny; none may be missing.
    without = [n for n, p in tokenizer.named_parameters() if p.grad is None]
    zero = [n for n, p in tokenizer.named_parameters() if not p.grad.any()]
    assert (without, zero) == ([], [])


def test_forward_is_encode_then_decode(tokenizer):
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        fakes, codes, _ = tokenizer(images)
        assert torch.equal(codes, tokenizer.encode(images))
        again = tokenizer.decode(codes)
    assert torch.allclose(fakes, again, atol=1e-5)


def test_row_by_row():
    tokenizer = build(num_res_blocks=0, dim_mult=(1, 1))
    latents = torch.randn(1, 8, 2, 3)
    ids = tokenizer.quantizer.encode(latents)
    assert ids.flatten(1)[0, 4] == ids[0, 1, 1]
    images = torch.rand(1, 3, 4, 6) * 2 - 1  # need not be square
    assert tokenizer.encode(images).shape == (1, 6)


def test_the_network_works_in_0_1(tokenizer):
    seen = []
    hook = tokenizer.down.register_forward_pre_hook(
        lambda module, args: seen.append(args[0]))
    tokenizer.latents(torch.tensor([-1., 0., 1.]).view(1, 3, 1, 1).expand(
        1, 3, 16, 16))
    hook.remove()
    assert seen[0][0, :, 0, 0].tolist() == [0, .5, 1]
    z = torch.randn(1, 8, 4, 4)
    assert torch.equal(tokenizer.decode_latents(z),
                       tokenizer.up(z) * 2 - 1)


def test_rows_do_not_depend_on_the_batch(tokenizer):
    images = torch.rand(4, 3, 16, 16) * 2 - 1
    assert torch.equal(tokenizer.encode(images)[1:2],
                       tokenizer.encode(images[1:2]))


def test_autocast_gives_ids_and_images(tokenizer):
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        codes = tokenizer.encode(images)
        fakes = tokenizer.decode(codes)
    assert codes.dtype == torch.int64
    assert torch.allclose(fakes.float(), tokenizer.decode(codes), atol=.1)


@pytest.mark.parametrize('shape', [(16, 18), (15, 16)])
def test_sizes_that_do_not_divide(tokenizer, shape):
    bad = next(s for s in shape if s % 4)
    with pytest.raises(ValueError, match=f'factor 4, got {bad}'):
        tokenizer.encode(torch.zeros(1, 3, *shape))


def test_tokens_of_no_square(tokenizer):
    with pytest.raises(ValueError, match='got 15 per image'):
        tokenizer.decode(torch.zeros(1, 15, dtype=torch.int64))


@pytest.mark.parametrize('sizes', [
    dict(dim=48), dict(dim=16, dim_mult=(2, 1)), dict(dim=0),
    dict(dim_mult=())])
def test_widths_that_do_not_split_into_groups(sizes):
    with pytest.raises(ValueError, match='multiple of the 32 groups'):
        build(**sizes)


def test_fewer_groups_allow_other_widths():
    tokenizer = build(dim=12, norm_groups=4)
    norms = [m for m in tokenizer.modules()
             if isinstance(m, torch.nn.GroupNorm)]
    assert {(m.num_groups, m.eps) for m in norms} == {(4, 1e-6)}
    assert tokenizer(torch.zeros(1, 3, 16, 16))[0].shape == (1, 3, 16, 16)


def test_widths_cannot_change_without_blocks():
    with pytest.raises(ValueError, match=r'same width, got \[32, 64\]'):
        build(num_res_blocks=0, dim_mult=(1, 2))
