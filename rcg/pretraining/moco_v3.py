"""MoCo v3 (arXiv:2104.02057): learn an encoder from unlabeled images."""
import copy
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, get_rank
from mmengine.model import BaseModel
from torch import Tensor

from rcg.models.encoders import Encoder
from rcg.models.layers.projector import batch_norm_mlp
from rcg.precision import exact_float32
from rcg.pretraining.augment import Augmentation
from rcg.pretraining.represent import represent
from rcg.registry import ENCODERS, MODELS
from rcg.rng import SampleRng


def contrast(queries: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """Cosine similarities over the temperature.

    Args:
        queries (N, D): Row i belongs to row i of ``keys``.
        keys (N, D): Of this process; all are gathered in order of rank.

    Returns:
        (N, N * number of processes): Logits of the true key.
    """
    queries = F.normalize(queries.float(), dim=1)
    keys = torch.cat(all_gather(F.normalize(keys.float(), dim=1)))
    # bfloat16 would round similarities by more than their differences.
    with exact_float32(queries.device):
        return queries @ keys.T / temperature


def info_nce(logits: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Contrastive loss, algorithm 1 of arXiv:2104.02057.

    Twice the temperature keeps the size of gradients when it changes.
    """
    return 2 * temperature * F.cross_entropy(logits, labels)


def spread(x: Tensor) -> Tensor:
    """Collapse monitor (arXiv:2011.10566, section 4.1) of features (N, D).

    Returns:
        Standard deviation of a dimension of unit vectors times sqrt(D):
        about 1 when they spread over the sphere, 0 when all are the same.
    """
    x = F.normalize(x.detach().float(), dim=1)
    return x.std(0, unbiased=False).mean() * math.sqrt(x.shape[1])


@MODELS.register_module()
class MoCoV3(BaseModel):
    """An encoder, its momentum copy and a predictor.

    Load the result with ``prefix='encoder.'``.

    Args:
        encoder: Config of an encoder; its projector's output is compared.
        views: Two lists of transform configs, one for each view.
        max_iters: Length of training, after which the momentum is 1.
        predictor_hidden_dim: Hidden width of the two-layer predictor.
        temperature: Of the softmax over keys.
        momentum: Of the momentum encoder at the start.
        data_preprocessor: See mmengine's BaseModel.
    """

    def __init__(self, encoder: dict, views: Sequence[Sequence[dict]],
                 max_iters: int, predictor_hidden_dim: int = 4096,
                 temperature: float = .2, momentum: float = .99,
                 data_preprocessor: dict | None = None) -> None:
        super().__init__(data_preprocessor)
        if len(views) != 2:
            raise ValueError('views must be two lists of transforms, got '
                             f'{len(views)}; to augment both views alike, '
                             'give the same list twice.')
        self.views = [Augmentation(transforms) for transforms in views]
        self.max_iters, self.momentum = max_iters, momentum
        self.temperature = temperature
        self.encoder: Encoder = ENCODERS.build(encoder)
        self.momentum_encoder = copy.deepcopy(self.encoder)
        self.momentum_encoder.requires_grad_(False)
        dim = self.encoder.rep_dim
        self.predictor = batch_norm_mlp(dim, predictor_hidden_dim, dim)
        # On the device and in checkpoints: no host sync, exact resume.
        self.register_buffer('iteration', torch.zeros((), dtype=torch.int64))

    def forward(self, images: Tensor, mode: str = 'tensor',
                rng: SampleRng | None = None, **batch):
        """Dispatch to :meth:`loss` or :func:`represent`.

        Args:
            images (N, 3, H, W): In [-1, 1].
            mode: 'loss', 'predict', or 'tensor' for representations.
            rng: Streams of the images; only 'loss' draws.
            batch: Remaining entries of the batch.
        """
        if mode == 'loss':
            return self.loss(images, rng)
        if mode == 'predict':
            return represent(self.encoder, images, **batch)
        return self.encoder(images)

    def loss(self, images: Tensor, rng: SampleRng) -> dict[str, Tensor]:
        """Symmetrized contrastive loss of two views, and monitors.

        In training mode it also moves the momentum encoder.

        Returns:
            ``loss_contrastive``; ``positive_similarity`` in [-1, 1];
            ``top1``, the share of queries nearest to their key;
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
        # The mean over both halves is half of algorithm 1's sum.
        loss = 2 * info_nce(logits, labels, self.temperature)
        return dict(loss_contrastive=loss, **monitors)

    def key_momentum(self) -> Tensor:
        """Cosine from ``momentum`` to 1 over training; float32 scalar."""
        phase = (self.iteration / self.max_iters).clamp(max=1) * math.pi
        return 1 - (1 - self.momentum) * (1 + phase.cos()) / 2

    @torch.no_grad()
    def update_momentum_encoder(self, momentum: Tensor) -> None:
        """key <- momentum * key + (1 - momentum) * query, parameters only.

        Batch-norm statistics are the momentum encoder's own.
        """
        for key, query in zip(self.momentum_encoder.parameters(),
                              self.encoder.parameters(), strict=True):
            key.lerp_(query, 1 - momentum)
        self.iteration += 1
