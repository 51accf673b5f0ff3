"""Reordered weights give the same numbers, and are used where they pay."""
import copy

import pytest
import torch
from torch import nn

from rcg.models.layers.packed import PackedLinear, packed

torch.manual_seed(0)
NETWORK = nn.Sequential(nn.Linear(512, 512), nn.SiLU(),
                        nn.Linear(512, 512, bias=False), nn.Linear(512, 8))
X = torch.randn(5, 512)


def packed_layers(network):
    return [isinstance(layer, PackedLinear) for layer in network.modules()]


@pytest.fixture
def network():
    return copy.deepcopy(NETWORK)


@pytest.mark.parametrize('rows', [5, 64])
def test_the_same_but_for_rounding(network, rows):
    fast = packed(network, rows, 100)
    assert sum(packed_layers(fast)) == 2
    assert not any(packed_layers(network))
    with torch.no_grad():
        torch.testing.assert_close(fast(X), network(X))
        torch.testing.assert_close(fast(X[:2]), network(X[:2]))
    assert fast[3].weight is network[3].weight  # the small one is shared
    skipped = packed(nn.Sequential(network, network[2]), 5, 100, ('0', ))
    assert skipped[0][0].weight is network[0].weight
    assert isinstance(skipped[1], PackedLinear)


def test_in_the_precision_of_autocast(network):
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip('this CPU has no bfloat16')
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        fast = packed(network, 5, 100)
        assert any(packed_layers(fast))
        ours, theirs = fast(X), network(X)
    assert ours.dtype == theirs.dtype == torch.bfloat16
    torch.testing.assert_close(ours, theirs, rtol=.02, atol=.02)


def test_the_network_itself_where_nothing_is_gained(network):
    assert packed(network, 5, 1) is network  # reordering takes longer
    assert packed(network[3], 5, 100) is not None
    assert packed(nn.Sequential(network[3]), 5, 100)[0] is network[3]
    with torch.backends.mkldnn.flags(enabled=False):
        assert not packed_layers(packed(network, 5, 100)).count(True)
    assert not any(packed_layers(packed(network.double(), 5, 100)))
    network.float().to('meta')
    assert packed(network.to('meta'), 5, 100) is not None
    compiled = copy.deepcopy(NETWORK)
    compiled.compile(backend='eager')
    assert packed(compiled, 5, 100) is compiled


def test_a_layer_with_a_hook_stays(network):
    network[0].register_forward_hook(lambda *args: torch.zeros(5, 512))
    fast = packed(network, 5, 100)
    assert sum(packed_layers(fast)) == 1
    with torch.no_grad():
        torch.testing.assert_close(fast(X), network(X))
