"""Small mixtures of known parts."""
import torch

import rcg.projects.mixture_source  # noqa: F401  registers them
from rcg.registry import MODELS


def mixture(shape=(2, ), shared_std=False):
    """Three modes far apart in the representations, of known Gaussians."""
    rng = torch.Generator().manual_seed(0)
    part = MODELS.build(dict(type='GaussianMixture', num=3, rep_dim=4,
                             shape=shape, shared_std=shared_std))
    part.centroids.copy_(10 * torch.eye(4)[:3])
    part.counts.copy_(torch.tensor([5, 3, 2]))
    part.means.copy_(4 * torch.randn(3, *shape, generator=rng))
    part.stds.copy_(.2 + torch.rand(part.stds.shape, generator=rng))
    return part


def saved(part, folder):
    """Its config, with a file of its numbers."""
    path = folder / 'mixture.pth'
    torch.save({'state_dict': {f'mixture.{name}': value for name, value
                               in part.state_dict().items()}}, path)
    return dict(type='GaussianMixture', num=part.num, rep_dim=part.rep_dim,
                shape=part.shape, shared_std=len(part.stds) == 1,
                checkpoint=str(path), prefix='mixture.')
