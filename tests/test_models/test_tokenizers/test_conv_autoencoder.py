"""What the published networks do otherwise than one would expect."""
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from rcg.models.tokenizers.conv_autoencoder import (
    AutoencoderForm,
    Downsampler,
    ResidualBlock,
    SpatialAttention,
    Upsampler,
)

MASKGIT = AutoencoderForm(
    attention=None, bias=False, shortcut_of_input=False, strided=False,
    kernel_out=1, extra_blocks=0)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize('form', [MASKGIT, AutoencoderForm()])
def test_shortcut_of_the_result_or_of_the_input(form):
    block = ResidualBlock(32, 64, form, False)
    x = torch.randn(2, 32, 4, 4)
    h = block.conv1(F.silu(block.norm1(x)))
    h = block.conv2(F.silu(block.norm2(h)))
    skipped = block.shortcut(h if form is MASKGIT else x)
    assert torch.allclose(block(x), h + skipped, atol=1e-6)
    # Without its second convolution, nothing of the input is left there.
    nn.init.zeros_(block.conv2.weight)
    if form.bias:
        nn.init.zeros_(block.conv2.bias)
    assert bool(block(x).any()) == (form is not MASKGIT)


def test_strided_convolutions_pad_right_and_bottom():
    down = Downsampler([32, 32], 1, 4, AutoencoderForm())
    x = torch.randn(1, 32, 6, 6)
    halved = down._halved(x, 0)
    assert halved.shape == (1, 32, 3, 3)
    # So the first value sees the first 3x3, and nothing of the padding.
    conv = down.downsamplers[0]
    first = (conv.weight * x[:, :, :3, :3]).sum((1, 2, 3)) + conv.bias
    assert torch.allclose(halved[0, :, 0, 0], first, atol=1e-5)
    last = (conv.weight[..., :2, :2] * x[:, :, 4:, 4:]).sum((1, 2, 3))
    assert torch.allclose(halved[0, :, 2, 2], last + conv.bias, atol=1e-5)


def test_averages_halve_without_weights():
    down = Downsampler([32, 32], 1, 4, MASKGIT)
    x = torch.randn(1, 32, 2, 2)
    assert not list(down.downsamplers)
    assert torch.allclose(down._halved(x, 0), x.mean((2, 3), True))


def test_attention_of_all_places():
    attention = SpatialAttention(32, AutoencoderForm())
    x = torch.randn(2, 32, 3, 5)
    q, k, v = (layer(attention.norm(x)).flatten(2)
               for layer in (attention.q, attention.k, attention.v))
    weights = (torch.einsum('ncl,ncm->nlm', q, k) * 32**-.5).softmax(2)
    mixed = torch.einsum('nlm,ncm->ncl', weights, v).view_as(x)
    assert torch.allclose(attention(x), x + attention.proj(mixed), atol=1e-5)


def attends(network):
    return {name for name, module in network.named_modules()
            if isinstance(module, SpatialAttention)}


def test_where_attention_is():
    form = AutoencoderForm(attention=(1, ))
    down = Downsampler([32, 32, 32], 2, 4, form)
    up = Upsampler([32, 32, 32], 2, 4, form)
    middle = {'middle.0.attention'}
    assert attends(down) == middle | {
        f'levels.1.{i}.attention' for i in range(2)}
    assert attends(up) == middle | {
        f'levels.1.{i}.attention' for i in range(3)}
    assert attends(Downsampler([32, 32], 2, 4, AutoencoderForm())) == middle
    assert not attends(Downsampler([32, 32], 2, 4, MASKGIT))


def test_as_the_first_stage_of_stable_diffusion():
    # KL-f8: mean and log variance out of the downsampler, attention only
    # in the middle.
    down = Downsampler([32, 64, 64], 1, 8, AutoencoderForm())
    up = Upsampler([32, 64, 64], 1, 4, AutoencoderForm())
    mean, _ = down(torch.randn(1, 3, 16, 16)).chunk(2, 1)
    assert mean.shape == (1, 4, 4, 4)
    assert up(mean).shape == (1, 3, 16, 16)
