"""MoCo v3 (arXiv:2104.02057): training of an encoder without labels."""
import copy
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, get_rank
from mmengine.logging import MessageHub
from torch import Tensor

from rcg.models.layers.projector import batch_norm_mlp
from rcg.precision import exact_float32
from rcg.pretraining.two_views import TwoViewModel
from rcg.registry import MODELS
from rcg.rng import SampleRng


def contrast(queries: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """Cosine similarities of queries and keys, over the temperature.

    Args:
        queries (N, D): Row i and row i of ``keys`` are a positive pair.
        keys (N, D): Of this process; all processes' are gathered by rank.
        temperature: Divides the similarities.

    Returns:
        (N, N * number of processes): Logits over all keys.
    """
    queries = F.normalize(queries.float(), dim=1)
    keys = torch.cat(all_gather(F.normalize(keys.float(), dim=1)))
    # The rounding of bfloat16 would exceed differences of similarities.
    with exact_float32(queries.device):
        return queries @ keys.T / temperature


def info_nce(logits: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Contrastive loss, algorithm 1 of arXiv:2104.02057.

    The factor 2 * temperature keeps the scale of gradients independent of
    the temperature.
    """
    return 2 * temperature * F.cross_entropy(logits, labels)


def spread(x: Tensor) -> Tensor:
    """A monitor of collapse (arXiv:2011.10566, section 4.1).

    Args:
        x (N, D): Features; they are scaled to unit length.

    Returns:
        Mean standard deviation of a dimension, times sqrt(D): about 1 if
        features spread over the unit sphere, 0 if all are the same.
    """
    x = F.normalize(x.detach().float(), dim=1)
    return x.std(0, unbiased=False).mean() * math.sqrt(x.shape[1])


def _length_of_run() -> int:
    """Iterations of the run that is under way, as MMEngine knows it."""
    hub = MessageHub.get_current_instance()
    if 'max_iters' not in hub.runtime_info:
        raise ValueError('MoCoV3 is not trained by a Runner, so it needs '
                         'max_iters, the number of iterations.')
    return hub.get_info('max_iters')


@MODELS.register_module()
class MoCoV3(TwoViewModel):
    """Trains an encoder to give two views of an image similar outputs.

    It holds the encoder, its moving average (the momentum encoder) and a
    predictor. Load the result with ``prefix='encoder.'``.

    Args:
        encoder: Config of the encoder. The output of its projector is
            compared.
        views: Two lists of transform configs, one for each view.
        max_iters: Iterations of training, at whose end the momentum is 1.
            None: those of the run.
        predictor_hidden_dim: Hidden width of the two-layer predictor.
        temperature: Temperature of the softmax over keys.
        momentum: Momentum of the momentum encoder at the start.
        base: ``data_preprocessor`` (config; see :class:`ImagePreprocessor`)
            and ``init_cfg`` of MMEngine's BaseModel.

    Raises:
        ValueError: There are not two views.
    """

    def __init__(self, encoder: dict, views: Sequence[Sequence[dict]],
                 max_iters: int | None = None,
                 predictor_hidden_dim: int = 4096, temperature: float = .2,
                 momentum: float = .99, **base) -> None:
        super().__init__(encoder, views, temperature, **base)
        self.max_iters, self.momentum = max_iters, momentum
        self.momentum_encoder = copy.deepcopy(self.encoder)
        self.momentum_encoder.requires_grad_(False)
        dim = self.encoder.project_dim
        self.predictor = batch_norm_mlp(dim, predictor_hidden_dim, dim)
        # A buffer: nothing waits for the device, and checkpoints hold it.
        self.register_buffer('iteration', torch.zeros((), dtype=torch.int64))

    def loss(self, images: Tensor, rng: SampleRng) -> dict[str, Tensor]:
        """Symmetric contrastive loss of two views, and monitors.

        In training mode it also updates the momentum encoder.

        Returns:
            ``loss_contrastive``; ``positive_similarity`` in [-1, 1];
            ``top1``, the share of queries whose own key is the nearest;
            ``feature_std``, see :func:`spread`; ``key_momentum``.
        """
        views = [view(images, rng) for view in self.views]
        features = [self.encoder.project(view) for view in views]
        queries = [self.predictor(x) for x in features]
        with torch.no_grad():
            momentum = self.key_momentum()
            if self.training:
                self.update_momentum_encoder(momentum)
            keys = [self.momentum_encoder.project(view) for view in views]
        logits = torch.cat([
            contrast(q, k, self.temperature)
            for q, k in zip(queries, reversed(keys), strict=True)])
        labels = torch.arange(len(images), device=images.device).repeat(2)
        labels = labels + len(images) * get_rank()
        with torch.no_grad():
            positive = logits.gather(1, labels[:, None]).mean()
            monitors = dict(
                positive_similarity=positive * self.temperature,
                top1=(logits.argmax(1) == labels).float().mean(),
                feature_std=spread(features[0]),
                key_momentum=momentum)
        # Algorithm 1 adds up both halves; info_nce is their mean.
        loss = 2 * info_nce(logits, labels, self.temperature)
        return dict(loss_contrastive=loss, **monitors)

    def key_momentum(self) -> Tensor:
        """Rises from ``momentum`` to 1 along a cosine; float32 scalar."""
        if self.max_iters is None:
            self.max_iters = _length_of_run()
        phase = (self.iteration / self.max_iters).clamp(max=1) * math.pi
        return 1 - (1 - self.momentum) * (1 + phase.cos()) / 2

    @torch.no_grad()
    def update_momentum_encoder(self, momentum: Tensor) -> None:
        """key <- momentum * key + (1 - momentum) * query, parameters only.

        The momentum encoder has batch-norm statistics of its own.
        """
        for key, query in zip(self.momentum_encoder.parameters(),
                              self.encoder.parameters(), strict=True):
            key.lerp_(query, 1 - momentum)
        self.iteration += 1
