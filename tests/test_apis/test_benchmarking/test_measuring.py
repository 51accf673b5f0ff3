"""The rates that nothing exceeds."""
import pytest
import torch

from rcg.apis.benchmarking import measuring


@pytest.mark.parametrize(('speed', 'sizes'), [
    (.01, [2048, 256, 256]), (3., [2048, 256, 256, 2048])])
def test_what_is_emulated_is_measured_in_the_small(monkeypatch, speed, sizes):
    """A large product in bfloat16 takes minutes where it is emulated."""
    tried = []

    def rate(device, dtype, size):
        tried.append(size)
        return speed if dtype == torch.bfloat16 else 1.

    monkeypatch.setattr(measuring, '_rate', rate)
    assert measuring.matrix_rates(torch.device('cpu')) == {
        torch.float32: 1., torch.bfloat16: speed}
    assert tried == sizes
