"""Do samples repeat the training images?"""
from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms.functional import resize
from torchvision.utils import make_grid

from rcg.evaluation.feature_metrics import FeatureMetric
from rcg.evaluation.features import stack_images
from rcg.evaluation.neighbors import nearest
from rcg.evaluation.statistics import build_reference
from rcg.registry import METRICS

_SIDE = 96  # of what is shown, in pixels


def nearest_train(train: Tensor, held_out: Tensor, fake: Tensor,
                  quantile: float = .05) -> tuple[float, float, Tensor]:
    """Compare the samples' distances to training images with held-out ones'.

    A model that has learned the distribution is as far from its training
    images as new real images are. One that copies is nearer.

    Args:
        train (N, D), held_out (M, D), fake (L, D): Features.
        quantile: Share of the held-out images that counts as near.

    Returns:
        Share of the samples that are nearer to a training image than all but
        the nearest ``quantile`` of the held-out images (no copying: about
        ``quantile``); the mean nearest distance of the samples over that of
        the held-out images (no copying: about 1); and pairs (L, 2) of a
        sample and its nearest training image, the closest first.

    Raises:
        ValueError: A feature is not finite, or held-out images all repeat
            training images.
    """
    real, _ = nearest(held_out, train)
    ours, places = nearest(fake, train)
    if real.mean() == 0:
        raise ValueError('every held-out image is also a training image: '
                         'give NearestTrain two different splits.')
    near = ours < torch.quantile(real, quantile)
    order = ours.argsort(stable=True)
    return (near.double().mean().item(), (ours.mean() / real.mean()).item(),
            torch.stack([order, places[order]], 1).cpu())


@METRICS.register_module()
class NearestTrain(FeatureMetric):
    """How near samples are to training images, against held-out images.

    Args:
        extractor, prefix: See :class:`FeatureMetric`; an encoder will do.
            Results are ``near_train`` (share of the samples nearer to a
            training image than 5 % of the held-out images are) and
            ``train_distance_ratio``.
        train: The images that the model was trained on, as a reference.
        held_out: Other images of the same kind.
        num_pairs: How many of the closest pairs to show, samples left,
            training images right.

    Attributes:
        picture: The pairs of the last evaluation (3, H, W), uint8;
            SampleGridHook writes it.
    """

    def __init__(self, extractor: dict, train: dict | str,
                 held_out: dict | str, num_pairs: int = 0,
                 prefix: str | None = None) -> None:
        super().__init__(extractor, train, prefix)
        self.held_out = build_reference(held_out, self.extractor, rows=True)
        self._num_pairs, self.picture = num_pairs, None
        if num_pairs and not hasattr(self.reference, 'dataset'):
            raise ValueError('num_pairs needs images to show, and train is a '
                             'file of statistics: give a dataset or folder.')

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        rows = super().rows(data_samples)
        if not self._num_pairs:
            return rows
        # A small image's bytes go with its features, as four in a float.
        images = _small(stack_images(data_samples)).flatten(1)
        return torch.cat([rows, images.view(torch.float32)], 1)

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        held_out = self.held_out.features(self.device).to(self.device)
        share, ratio, pairs = nearest_train(real, held_out,
                                            fake[:, :real.shape[1]])
        if self._num_pairs:
            dataset, pairs = self.reference.dataset, pairs[:self._num_pairs]
            train = _small(torch.stack([dataset[place]['images']
                                        for place in pairs[:, 1].tolist()]))
            ours = fake.cpu()[pairs[:, 0], real.shape[1]:].contiguous()
            ours = ours.view(torch.uint8).view(train.shape)
            self.picture = make_grid(torch.cat([ours, train], 3), nrow=4,
                                     pad_value=255)
        return {'near_train': share, 'train_distance_ratio': ratio}


def _small(images: Tensor) -> Tensor:  # square, a multiple of 4 bytes
    side = min(_SIDE, *images.shape[2:]) // 2 * 2
    if images.shape[2:] != (side, side):
        images = resize(images, [side, side], antialias=True)
    return images
