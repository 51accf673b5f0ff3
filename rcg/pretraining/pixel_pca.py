"""Principal components of pixels, computed in the usual training loop."""
import torch
from mmengine.dist import all_reduce
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from rcg.models.encoders import PixelPCA
from rcg.pretraining.represent import represent
from rcg.registry import (
    ENCODERS,
    MODEL_WRAPPERS,
    MODELS,
    OPTIM_WRAPPER_CONSTRUCTORS,
)


class _NoOptimWrapper(OptimWrapperDict):

    def get_lr(self) -> dict[str, list[float]]:
        """The learning rate 0, for the log."""
        return {'lr': [0.]}


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class NoOptimizer:
    """Builds no optimizer, for models that are computed in closed form.

    In a config: ``optim_wrapper=dict(constructor='NoOptimizer')``.
    """

    def __init__(self, optim_wrapper_cfg: dict,
                 paramwise_cfg: dict | None = None) -> None:
        if optim_wrapper_cfg or paramwise_cfg:
            raise ValueError('NoOptimizer takes no options, got '
                             f'{sorted({**optim_wrapper_cfg})} and '
                             f'paramwise_cfg={paramwise_cfg}; delete them.')

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        return _NoOptimWrapper()


@MODEL_WRAPPERS.register_module()
class NoWrapper(nn.Module):
    """Returns the model itself, since DDP refuses models without gradients.

    In a config: ``model_wrapper_cfg=dict(type='rcg.NoWrapper')`` (MMEngine
    looks for wrappers in its own scope). The model must communicate between
    processes by itself.
    """

    def __new__(cls, module: nn.Module, **ddp_options) -> nn.Module:
        return module


@MODELS.register_module()
class PCATraining(BaseModel):
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

    def train_step(self, data: dict,
                   optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """Add a batch to the sums; there is no gradient and no step."""
        data = self.data_preprocessor(data, True)
        return self.parse_losses(self(**data, mode='loss'))[1]

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
        sums = x.new_tensor(len(x)), x.sum(0), x.T @ x
        for buffer, part in zip((self.count, self.total, self.products),
                                sums, strict=True):
            all_reduce(part)
            buffer += part
