import pytest
import torch
from torch.nn import functional as F

from rcg.models.layers.gated_mlp import GatedMlp


@pytest.mark.parametrize(('kwargs', 'act'), [
    ({}, lambda x: F.gelu(x, approximate='none')),
    (dict(act=F.silu), lambda x: x * x.sigmoid())])
def test_second_half_of_the_hidden_units_gates(kwargs, act):
    torch.manual_seed(0)
    mlp, x = GatedMlp(4, 6, **kwargs), torch.randn(3, 4)
    hidden = mlp.fc1(x)
    hidden = hidden[:, :6] * act(hidden[:, 6:])
    torch.testing.assert_close(mlp(x), mlp.fc2(hidden))
