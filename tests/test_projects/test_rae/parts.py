"""Tiny parts of a representation autoencoder."""
import torch

import rcg.projects.rae  # noqa: F401  registers them

ENCODER = dict(type='ConvEncoder', widths=(4, 6), strides=(2, 2),
               projector_hidden_dim=8, projector_dim=5)
NORMALIZATION = dict(type='GridNormalization', num_channels=6, grid_size=2)
DECODER = dict(type='ViTDecoder', in_channels=6, grid_size=2, patch_size=4,
               dim=12, depth=1, num_heads=3)
TOKENIZER = dict(type='RepresentationAutoencoder', encoder=ENCODER,
                 normalization=NORMALIZATION, decoder=DECODER)


def images(count=4, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, 8, 8, generator=rng) * 2 - 1
