"""A model, a data set and a metric of a few numbers, for the engine's tests.

Imported by configs through ``custom_imports``, so that the tools' processes
find them too.
"""
import os

import torch
import torch.nn.functional as F
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.utils.data import Dataset

from rcg.frozen import Frozen, HasFrozenParts
from rcg.registry import DATASETS, METRICS, MODELS
from rcg.rng import SampleRng


class ToyLinear(HasFrozenParts, nn.Linear):
    """A part that may have parts."""


class ToyPart(Frozen):
    """A linear map of an image; the given file and hash are not checked."""

    def __init__(self, checkpoint: str | None, sha256: str | None) -> None:
        super().__init__(ToyLinear(12, 4), checkpoint, sha256)


@DATASETS.register_module()
class ToyDataset(Dataset):
    """Random 3 x 2 x 2 images; logs its reads if TOY_READS names a file."""

    metainfo = {'name': 'toy'}

    def __init__(self, size: int = 24, is_random: bool = False,
                 data_root: str | None = None) -> None:
        generator = torch.Generator().manual_seed(1)
        self.images = torch.randint(256, (size, 3, 2, 2),
                                    generator=generator, dtype=torch.uint8)
        self.is_random, self.features = is_random, None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, item) -> dict:
        if isinstance(item, int):
            index, position, seed = item, item, 0
        else:
            index, position, seed = item
        if log := os.environ.get('TOY_READS'):
            with open(log, 'a') as file:
                file.write(f'{position} {index}\n')
        batch = {'keys': torch.tensor([seed, position]),
                 'indices': torch.tensor(index)}
        if self.features is None:
            return {**batch, 'images': self.images[index]}
        return {**batch, **{k: v[index] for k, v in self.features.items()}}

    def fingerprint(self) -> str:
        return f'toy {len(self)}'

    def attach(self, features: dict[str, Tensor]) -> None:
        self.features = features


@MODELS.register_module()
class ToyModel(HasFrozenParts, BaseModel):
    """Learns to remove noise from a frozen linear map of the image.

    Args:
        width: Of the hidden layer.
        dropout: Drawn from torch's global generator.
        part: Arguments of a :class:`ToyPart`.
        reconstruct: Predict gray 'originals' with the images.
    """

    def __init__(self, width: int = 8, dropout: float = 0.,
                 part: dict | None = None, reconstruct: bool = False,
                 data_preprocessor: dict | None = None) -> None:
        super().__init__(
            data_preprocessor or {'type': 'ImagePreprocessor'})
        self.part = ToyPart(**(part or {'checkpoint': None, 'sha256': None}))
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.net = nn.Sequential(nn.Linear(4, width), nn.SiLU(),
                                 nn.Dropout(dropout), nn.Linear(width, 4))
        self.reconstruct = reconstruct
        self.register_buffer('count', torch.zeros(()))

    def encode(self, images: Tensor) -> dict[str, Tensor]:
        part = self.part.module.to(images.device)
        return {'representations': part(images.flatten(1))}

    def forward(self, rng: SampleRng, indices: Tensor,
                images: Tensor | None = None,
                representations: Tensor | None = None,
                labels: Tensor | None = None,
                mode: str = 'tensor'):
        if mode == 'predict':
            images = self.net(rng.normal(4)).sigmoid().mul(255).byte()
            images = images.view(-1, 1, 2, 2).expand(-1, 3, -1, -1)
            extra = ({'originals': torch.full_like(images[0], 7)}
                     if self.reconstruct else {})
            return [{'images': image, 'index': int(i), **extra}
                    for image, i in zip(images, indices, strict=True)]
        if representations is None:
            representations = self.encode(images)['representations']
        target = self.frozen(representations)
        if self.training:
            self.count += 1
        noisy = target + .3 * rng.normal(4)
        return {'loss_noise': F.mse_loss(self.net(noisy), target),
                'noise_level': noisy.detach().abs().mean()}


@METRICS.register_module()
class ToyMetric(BaseMetric):
    """Mean of all predicted pixels."""

    default_prefix = 'toy'

    def process(self, data_batch, data_samples) -> None:
        for sample in data_samples:
            self.results.append(
                (sample['index'], sample['images'].double().mean().item()))

    def compute_metrics(self, results) -> dict:
        values = dict(results)  # padding repeats an index
        return {'mean': sum(values[i] for i in sorted(values)) / len(values)}
