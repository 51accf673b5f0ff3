"""What models share that compare two views of each image."""
from abc import abstractmethod
from collections.abc import Sequence

from mmengine.model import BaseModel
from torch import Tensor

from rcg.models.encoders import Encoder
from rcg.pretraining.augment import Augmentation
from rcg.pretraining.represent import represent
from rcg.registry import ENCODERS
from rcg.rng import SampleRng


class TwoViewModel(BaseModel):
    """Base of models that learn an encoder from two views of each image.

    Args:
        encoder: Config of the encoder.
        views: Two lists of transform configs, one for each view.
        temperature: Divides similarities.
        base: Arguments of MMEngine's BaseModel.

    Raises:
        ValueError: There are not two views.
    """

    def __init__(self, encoder: dict, views: Sequence[Sequence[dict]],
                 temperature: float, **base) -> None:
        super().__init__(**base)
        if len(views) != 2:
            raise ValueError('views must be two lists of transforms, got '
                             f'{len(views)}; to augment both views alike, '
                             'give the same list twice.')
        self.views = [Augmentation(transforms) for transforms in views]
        self.temperature = temperature
        self.encoder: Encoder = ENCODERS.build(encoder)

    @abstractmethod
    def loss(self, images: Tensor, rng: SampleRng) -> dict[str, Tensor]:
        """Losses and monitors of images (N, 3, H, W) in [-1, 1]."""

    def forward(self, images: Tensor, mode: str = 'tensor',
                rng: SampleRng | None = None, **batch):
        """Dispatch to :meth:`loss` or :func:`represent`.

        Args:
            images (N, 3, H, W): In [-1, 1].
            mode: 'loss', 'predict', or 'tensor' for representations.
            rng: One stream for each image; needed for the loss.
            batch: Remaining entries of the batch.
        """
        if mode == 'loss':
            return self.loss(images, rng)
        if mode == 'predict':
            return represent(self.encoder, images, **batch)
        return self.encoder(images)
