"""How well a tokenizer brings images back: PSNR and SSIM."""
from collections.abc import Sequence

import torch
from torch import Tensor

from rcg.evaluation.data_samples import stack_images
from rcg.evaluation.functional.ssim import structural_similarity
from rcg.evaluation.metrics.row_metric import RowMetric
from rcg.registry import METRICS


def stack_pairs(data_samples: Sequence[dict]) -> tuple[Tensor, Tensor]:
    """Reconstructions and originals, uint8 (N, 3, H, W) each.

    Raises:
        ValueError: They differ in size.
    """
    images = stack_images(data_samples, 'images')
    originals = stack_images(data_samples, 'originals')
    if images.shape != originals.shape:
        raise ValueError(
            'reconstructions must have the size of the originals, got '
            f'{tuple(images.shape[1:])} for {tuple(originals.shape[1:])}.')
    return images, originals


@METRICS.register_module()
class ReconstructionError(RowMetric):
    """Peak signal-to-noise ratio of reconstructions, in dB, at most 100.

    It is that of the mean squared error over all pixels of all images.
    """
    default_prefix = 'reconstruction'
    reports = ('psnr', )

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        images, originals = stack_pairs(data_samples)
        # Integers: the order of their sum does not matter.
        error = (images.long() - originals.long()).square().flatten(1)
        return torch.stack([error.sum(1), torch.ones_like(error).sum(1)], 1)

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        error, pixels = results.sum(0).double()
        mse = error / pixels / 255**2
        return {'psnr': -10 * mse.clamp(min=1e-10).log10().item()}


@METRICS.register_module()
class StructuralSimilarity(RowMetric):
    """Mean SSIM of reconstructions; see :func:`structural_similarity`.

    It compares ``images`` with ``originals``, both uint8. At most 1.
    """
    default_prefix = 'reconstruction'
    reports = ('ssim', )

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return structural_similarity(*stack_pairs(data_samples))[:, None]

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        return {'ssim': results.mean().item()}
