"""The RDM's network."""
import torch

from rcg.diffusion import GaussianDiffusion
from rcg.models.networks import DenoisingMLP


def random_network(**options):
    torch.manual_seed(0)
    network = DenoisingMLP(12, width=24, num_blocks=2, **options).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=.1)
    return network


def test_one_timestep_is_embedded_once():
    """Samplers pass one timestep for all rows."""
    process = GaussianDiffusion('eps')
    network, rows = random_network(context_dim=6), []
    network.time_embed.register_forward_hook(
        lambda module, args, output: rows.append(len(output)))
    x, context = torch.randn(5, 12), torch.randn(5, 6)
    with torch.no_grad():
        wanted = network(x, torch.full((5, ), 7), context)
        got = process.denoise(lambda x, t: network(x, t, context), x, 7)
    assert rows == [5, 1]
    torch.testing.assert_close(got, process.prediction(
        wanted, x, torch.full((5, ), 7)))
