"""Tensors from the outputs of a model, one dict a sample."""
from collections.abc import Sequence

import torch
from torch import Tensor


def stack_rows(data_samples: Sequence[dict], name: str) -> Tensor:
    """Stack one value of every output: (N, ...).

    Raises:
        KeyError: An output lacks it.
    """
    if any(name not in sample for sample in data_samples):
        raise KeyError(
            f"the metric needs '{name}' in every output of the model's "
            f"predict mode, got {sorted(data_samples[0])}: use a metric that "
            'fits the model.')
    return torch.stack([torch.as_tensor(sample[name])
                        for sample in data_samples])


def stack_images(data_samples: Sequence[dict],
                 name: str = 'images') -> Tensor:
    """Stack one image of every output: (N, 3, H, W), uint8.

    Raises:
        KeyError: An output lacks it.
        TypeError: It is no uint8 image.
    """
    images = stack_rows(data_samples, name)
    if images.dtype != torch.uint8 or images.ndim != 4:
        raise TypeError(
            f"'{name}' must be uint8 (3, H, W) in every output, got "
            f'{images.dtype} {tuple(images.shape[1:])}: pass images in '
            '[-1, 1] through rcg.models.data_preprocessor.to_uint8.')
    return images
