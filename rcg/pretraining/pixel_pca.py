"""Principal components of pixels, computed in the usual training loop."""
import torch
from torch import Tensor

from rcg.models.encoders import PixelPCA
from rcg.pretraining.closed_form import ClosedFormTraining
from rcg.pretraining.represent import represent
from rcg.registry import ENCODERS, MODELS


@MODELS.register_module()
class PCATraining(ClosedFormTraining):
    """Computes the exact principal components of all images seen so far.

    It sums pixels and their products over batches and processes. So one pass
    over a dataset gives its components, whatever the order of the images.

    Load the result with ``prefix='encoder.'``.

    Args:
        encoder: Config of a :class:`PixelPCA`.
        base: ``data_preprocessor`` (config; see :class:`ImagePreprocessor`)
            and ``init_cfg`` of MMEngine's BaseModel.
    """

    def __init__(self, encoder: dict, **base) -> None:
        super().__init__(**base)
        self.encoder: PixelPCA = ENCODERS.build(encoder)
        pixels = self.encoder.num_pixels
        for name, shape in dict(count=(), total=(pixels, ),
                                products=(pixels, pixels)).items():
            self.register_buffer(name, torch.zeros(shape,
                                                   dtype=torch.float64))

    @torch.no_grad()
    def forward(self, images: Tensor, mode: str = 'tensor', **batch):
        """Dispatch on ``mode``; images (N, 3, H, W) in [-1, 1]."""
        if mode == 'loss':
            return self.loss(images)
        if mode == 'predict':
            return represent(self.encoder, images, **batch)
        return self.encoder(images)

    def loss(self, images: Tensor) -> dict[str, Tensor]:
        """Add a batch to the sums, and update the components.

        Returns:
            ``loss_reconstruction``: Mean squared error of the batch's
            pixels, in [-1, 1], when reconstructed.
        """
        x = self.encoder.preprocess(images).flatten(1)
        self.accumulate(x.double())
        mean = self.total / self.count
        self.encoder.solve(
            mean, self.products / self.count - mean.outer(mean))
        error = x - self.encoder.reconstruct(self.encoder.features(x))
        return dict(loss_reconstruction=error.square().mean())

    def accumulate(self, x: Tensor) -> None:
        """Add rows (N, num_pixels), float64, of all processes to the sums."""
        self.add(count=x.new_tensor(len(x)), total=x.sum(0),
                 products=x.T @ x)
