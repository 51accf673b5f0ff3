"""The group norm: type, memory format and numbers of its output."""
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from rcg.models.layers.group_norm import GroupNorm
from rcg.models.networks.unet import UNet
from rcg.models.tokenizers import VQGAN
from rcg.pretraining.adversarial import PatchDiscriminator

LAST = torch.channels_last


@pytest.fixture
def norm():
    torch.manual_seed(0)
    layer = GroupNorm(4, 16)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    return layer


@pytest.fixture
def x():
    torch.manual_seed(1)
    return torch.randn(2, 16, 32, 32) + 3


def test_float32_is_blind_to_the_memory_format(norm, x):
    other = x.to(memory_format=LAST)
    assert torch.equal(norm(x), norm(other))
    assert torch.equal(norm(x), F.group_norm(x, 4, norm.weight, norm.bias))


@pytest.mark.parametrize('memory_format', [torch.contiguous_format, LAST])
@pytest.mark.parametrize('as_on_gpu', [False, True])
def test_bfloat16_comes_out_as_it_went_in(norm, x, memory_format, as_on_gpu,
                                          monkeypatch):
    if as_on_gpu:  # float32 in the contiguous order, whatever comes
        group_norm = F.group_norm
        monkeypatch.setattr(
            F, 'group_norm', lambda x, *args: group_norm(
                x.float().contiguous(), *args))
    low = x.bfloat16().to(memory_format=memory_format)
    with torch.autocast('cpu', torch.bfloat16):
        out = norm(low)
    assert out.dtype == torch.bfloat16
    assert out.is_contiguous(memory_format=memory_format)
    # Eight bits are left.
    torch.testing.assert_close(out.float(), norm(low.float()), rtol=2**-8,
                               atol=2**-7)


@pytest.mark.parametrize('build', [
    lambda: UNet(8, 3, 16, (1, 2), 1, (1, ), form=dict(
        groups=4, head_dim=8)),
    lambda: VQGAN(num_codes=8, dim=8, dim_mult=(1, 1), num_res_blocks=1,
                  z_dim=4, norm_groups=4),
    lambda: PatchDiscriminator(8, 1)])
def test_all_networks_have_it(build):
    norms = [module for module in build().modules()
             if isinstance(module, nn.GroupNorm)]
    assert norms
    assert {type(module) for module in norms} == {GroupNorm}
