import torch

from rcg.models.layers.rms_norm import RMSNorm


def test_rows_are_divided_by_their_root_mean_square():
    norm = RMSNorm(4, eps=0.)
    x = torch.tensor([[3., 4., 0., 0.], [1., 1., -1., 1.]])
    torch.testing.assert_close(norm(x), x / torch.tensor([[2.5], [1.]]))
    torch.testing.assert_close(norm(x + 1), (x + 1) / (
        (x + 1).square().mean(1, keepdim=True).sqrt()))  # the mean stays
    norm.weight.data = torch.arange(4.)
    torch.testing.assert_close(norm(x)[1], torch.tensor([0., 1., -2., 3.]))


def test_no_scale_is_learned_if_none_is_wanted():
    norm = RMSNorm(4, eps=1e-6, elementwise_affine=False)
    assert not list(norm.parameters())
    assert torch.equal(norm(torch.zeros(2, 4)), torch.zeros(2, 4))


def test_low_precision_goes_in_and_comes_out():
    x = 300 * torch.ones(2, 4, dtype=torch.float16)  # its square overflows
    assert torch.equal(RMSNorm(4, eps=1e-6)(x), torch.ones_like(x))
