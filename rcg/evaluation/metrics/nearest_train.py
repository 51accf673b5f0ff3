"""Whether a model repeats its training images."""
from collections.abc import Sequence

import torch
from torch import Tensor

from rcg.evaluation.data_samples import stack_images
from rcg.evaluation.functional.neighbors import nearest_train
from rcg.evaluation.metrics.feature_metric import FeatureMetric
from rcg.evaluation.references.build import build_reference
from rcg.evaluation.references.dataset_reference import DatasetReference
from rcg.registry import METRICS

_SIDE = 96  # of the images in the picture, in pixels


@METRICS.register_module()
class NearestTrain(FeatureMetric):
    """How near samples are to training images: :func:`nearest_train`.

    Args:
        extractor: Config of an extractor or an encoder.
        train: Reference to the images that the model was trained on.
        held_out: Reference to other images of the same kind.
        num_pairs: How many of the closest pairs to show, samples left,
            training images right.
        prefix: Before the names of the results.

    Attributes:
        picture (3, H, W): The pairs of the latest evaluation, uint8; None
            without pairs. SampleGridHook writes it.

    Raises:
        ValueError: Pairs are wanted of a file that holds no images.
    """

    reports = ('near_train', 'train_distance_ratio')

    def __init__(self, extractor: dict, train: dict | str,
                 held_out: dict | str, num_pairs: int = 0,
                 prefix: str | None = None) -> None:
        super().__init__(extractor, train, prefix)
        self.held_out = build_reference(held_out, self.extractor, rows=True)
        self._num_pairs, self.picture = num_pairs, None
        if num_pairs and not isinstance(self.reference, DatasetReference):
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
        dim = real.shape[1]
        share, ratio, pairs = nearest_train(real, held_out, fake[:, :dim])
        if self._num_pairs:
            from torchvision.utils import make_grid  # takes a second
            dataset, pairs = self.reference.dataset, pairs[:self._num_pairs]
            train = _small(torch.stack([dataset[place]['images']
                                        for place in pairs[:, 1].tolist()]))
            ours = fake.cpu()[pairs[:, 0], dim:].contiguous()
            ours = ours.view(torch.uint8).view(train.shape)
            self.picture = make_grid(torch.cat([ours, train], 3), nrow=4,
                                     pad_value=255)
        return {'near_train': share, 'train_distance_ratio': ratio}


def _small(images: Tensor) -> Tensor:
    """Square images (N, 3, S, S), of which each is a multiple of 4 bytes."""
    from torchvision.transforms.functional import resize
    side = min(_SIDE, *images.shape[2:]) // 2 * 2
    return resize(images, [side, side], antialias=True)
