"""Nearest codes, straight-through gradients, the published loss."""
import pytest
import torch
from torch.nn import functional as F

from rcg.models.tokenizers import VectorQuantizer


@pytest.fixture
def quantizer():
    torch.manual_seed(0)
    quantizer = VectorQuantizer(num_codes=7, dim=5)
    torch.nn.init.normal_(quantizer.codebook)
    return quantizer


def test_nearest_by_brute_force(quantizer):
    vectors = torch.randn(50, 5)
    differences = vectors[:, None] - quantizer.codebook
    wanted = differences.square().sum(2).argmin(1)
    assert torch.equal(quantizer.nearest(vectors), wanted)
    assert len(wanted.unique()) > 3


def test_of_equally_near_codes_the_first_wins(quantizer):
    with torch.no_grad():
        quantizer.codebook[4] = quantizer.codebook[2]
        quantizer.codebook[6] = quantizer.codebook[2]
    vectors = quantizer.codebook[[6, 4, 2]]
    assert quantizer.nearest(vectors).tolist() == [2, 2, 2]


def test_look_up_and_encode_are_inverse(quantizer):
    ids = torch.randint(7, (3, 4, 2))
    z = quantizer.look_up(ids)
    assert z.shape == (3, 5, 4, 2)
    assert torch.equal(z[1, :, 3, 0], quantizer.codebook[ids[1, 3, 0]])
    assert torch.equal(quantizer.encode(z), ids)


def test_gradients_pass_straight_through(quantizer):
    z = torch.randn(2, 5, 3, 3, requires_grad=True)
    codes, ids, _ = quantizer(z)
    assert torch.allclose(codes, quantizer.look_up(ids), atol=1e-6)
    weights = torch.randn_like(codes)
    (codes * weights).sum().backward()
    assert torch.equal(z.grad, weights)
    assert quantizer.codebook.grad is None


def test_legacy_loss_in_closed_form(quantizer):
    z = torch.randn(2, 5, 3, 3, requires_grad=True)
    _, ids, loss = quantizer(z)
    codes = quantizer.look_up(ids)
    assert torch.allclose(loss, 1.25 * F.mse_loss(codes, z))
    loss.backward()
    # Beta is on the codes' side: vectors pull with weight 1.
    assert torch.allclose(z.grad, 2 * (z - codes).detach() / z.numel(),
                          atol=1e-7)
    chosen = F.one_hot(ids.flatten(), 7).float()
    pull = chosen.T @ (codes - z).detach().movedim(1, -1).reshape(-1, 5)
    assert torch.allclose(quantizer.codebook.grad,
                          .25 * 2 * pull / z.numel(), atol=1e-7)


def test_codes_as_buffer_keep_name_and_value(quantizer):
    before = {name: value.clone()
              for name, value in quantizer.state_dict().items()}
    quantizer.codebook_to_buffer()
    assert not list(quantizer.parameters())
    after = quantizer.state_dict()
    assert before.keys() == after.keys()
    assert torch.equal(before['codebook'], after['codebook'])
    z = torch.randn(2, 5, 3, 3, requires_grad=True)
    codes, _, loss = quantizer(z)
    assert torch.allclose(loss, F.mse_loss(codes, z))


def test_ids_do_not_suffer_from_autocast(quantizer):
    # Codes that bfloat16, with 8 bits, cannot tell apart.
    codes = 1 + torch.arange(7.)[:, None] * 1e-3 * torch.ones(5)
    quantizer.codebook.data.copy_(codes)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        ids = quantizer.nearest(codes)
    assert ids.tolist() == list(range(7))


def test_many_codes_are_compared_in_parts(quantizer):
    vectors = torch.randn(130, 5)
    wanted, sizes = quantizer.nearest(vectors), []
    measure = quantizer._distances
    quantizer._distances = lambda z, e: (sizes.append(len(z)),
                                         measure(z, e))[1]
    quantizer.num_codes = 2**20  # as if there were
    assert torch.equal(quantizer.nearest(vectors), wanted)
    assert sizes == [64, 64, 2]
