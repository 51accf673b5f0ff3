"""SimCLR (arXiv:2002.05709): training of an encoder without labels."""
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, all_reduce, get_rank
from torch import Tensor

from rcg.precision import exact_float32
from rcg.pretraining.moco_v3 import spread
from rcg.pretraining.two_views import TwoViewModel
from rcg.registry import MODELS
from rcg.rng import SampleRng


class _Gather(torch.autograd.Function):
    """Rows of all processes, by rank; gradients reach each row's owner.

    A row's gradient is the sum over the losses of all processes. DDP takes
    the mean over processes, so the result is the gradient of the mean loss.
    """

    @staticmethod
    def forward(ctx, rows: Tensor) -> Tensor:
        ctx.num = len(rows)
        return torch.cat(all_gather(rows.contiguous()))

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        all_reduce(gradient)
        return gradient[ctx.num * get_rank():][:ctx.num]


def contrast_views(features: Tensor, temperature: float
                   ) -> tuple[Tensor, Tensor]:
    """Cosine similarities of all views, over the temperature.

    Args:
        features (N, 2, D): Two views of each image of this process.
        temperature: Divides the similarities.

    Returns:
        (2 N, 2 N * number of processes): Logits of each view of this process
        over all views; -inf for the view itself. Views of an image follow
        each other.
        (2 N,): Column of the other view of the same image, int64.
    """
    own = F.normalize(features.float(), dim=2)
    views = _Gather.apply(own).flatten(0, 1)
    own = own.flatten(0, 1)
    # The rounding of bfloat16 would exceed differences of similarities.
    with exact_float32(own.device):
        logits = own @ views.T / temperature
    at = torch.arange(len(own), device=own.device) + len(own) * get_rank()
    itself = at[:, None] == torch.arange(len(views), device=own.device)
    # An image has the columns 2 i and 2 i + 1.
    return logits.masked_fill(itself, -torch.inf), at ^ 1


@MODELS.register_module()
class SimCLR(TwoViewModel):
    """Trains an encoder to find the other view of an image among a batch.

    There is no momentum encoder: a step costs less than one of
    :class:`MoCoV3`. Both views pass the encoder as one batch, as in the
    paper. Load the result with ``prefix='encoder.'``.

    Args:
        encoder: Config of the encoder. The output of its projector is
            compared.
        views: Two lists of transform configs, one for each view. Both give
            images of one size.
        temperature: Temperature of the softmax over views. The paper's
            table 5 has 0.1 for large batches and long training, its CIFAR-10
            experiments (appendix B.9) 0.5.
        base: ``data_preprocessor`` (config; see :class:`ImagePreprocessor`)
            and ``init_cfg`` of MMEngine's BaseModel.

    Raises:
        ValueError: There are not two views, or their sizes differ.
    """

    def __init__(self, encoder: dict, views: Sequence[Sequence[dict]],
                 temperature: float = .5, **base) -> None:
        super().__init__(encoder, views, temperature, **base)

    def loss(self, images: Tensor, rng: SampleRng) -> dict[str, Tensor]:
        """The loss NT-Xent (equation 1 of the paper), and monitors.

        Returns:
            ``loss_contrastive``, the mean over all views;
            ``positive_similarity`` in [-1, 1]; ``top1``, the share of views
            whose nearest neighbor is the other view of the same image;
            ``feature_std``, see :func:`spread`.
        """
        views = [view(images, rng) for view in self.views]
        sizes = [tuple(view.shape[-2:]) for view in views]
        if sizes[0] != sizes[1]:
            raise ValueError('The two views must be images of one size, got '
                             f'{sizes[0]} and {sizes[1]}: give their crops '
                             'the same size.')
        features = self.encoder.project(torch.cat(views))
        features = torch.stack(features.chunk(2), 1)
        logits, labels = contrast_views(features, self.temperature)
        with torch.no_grad():
            positive = logits.gather(1, labels[:, None]).mean()
            monitors = dict(
                positive_similarity=positive * self.temperature,
                top1=(logits.argmax(1) == labels).float().mean(),
                feature_std=spread(features[:, 0]))
        return dict(loss_contrastive=F.cross_entropy(logits, labels),
                    **monitors)
