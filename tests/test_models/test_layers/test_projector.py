import torch
from torch import nn

from rcg.models.layers.projector import batch_norm_mlp


def test_projector_is_laid_out_as_published():
    mlp = batch_norm_mlp(6, 8, 8, 4)
    kinds = [nn.Linear, nn.BatchNorm1d, nn.ReLU] * 2 + [nn.Linear,
                                                        nn.BatchNorm1d]
    assert [type(layer) for layer in mlp] == kinds
    assert all(layer.bias is None for layer in mlp[::3])
    assert [layer.affine for layer in mlp[1::3]] == [True, True, False]


def test_output_is_whitened_per_dimension():
    torch.manual_seed(0)
    out = batch_norm_mlp(6, 8, 4)(5 + 3 * torch.randn(64, 6))
    torch.testing.assert_close(out.mean(0), torch.zeros(4), atol=1e-5,
                               rtol=0)
    torch.testing.assert_close(out.std(0, unbiased=False), torch.ones(4),
                               atol=1e-3, rtol=0)
