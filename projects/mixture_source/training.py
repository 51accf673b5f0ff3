"""Fitting a mixture of Gaussians to clusters, in the usual training loop.

Letters: N batch, K clusters.
"""
import torch
from mmengine.dist import all_gather
from torch import Tensor

from rcg.frozen import Frozen, HasFrozenParts
from rcg.pretraining.closed_form import ClosedFormTraining
from rcg.registry import (
    ENCODERS,
    MODELS,
    REPRESENTATION_DIFFUSERS,
    TOKENIZERS,
)
from rcg.rng import SampleRng


@MODELS.register_module()
class MixtureTraining(HasFrozenParts, ClosedFormTraining):
    """Computes means and variances within the clusters of representations.

    They are those of codes or, without a tokenizer, of the representations
    themselves. One pass over a dataset makes those of the dataset; with a
    CacheFeaturesHook it reads what is stored. Load the result with
    ``prefix='mixture.'``.

    Few images say little of a variance. So each cluster has ``prior_count``
    images more, whose variance is that within all clusters. A cluster that
    has no image yet is the Gaussian of all of them.

    Args:
        encoder: Config of the frozen encoder, with ``checkpoint``.
        clusters: Config of the :class:`StoredRepresentations` of centroids,
            with ``checkpoint``.
        mixture: Config of the :class:`GaussianMixture`.
        tokenizer: Config of the frozen tokenizer, with ``checkpoint``.
        prior_count: At least 0.
        base: ``data_preprocessor`` (config; see :class:`ImagePreprocessor`)
            and ``init_cfg`` of MMEngine's BaseModel.

    Raises:
        ValueError: ``prior_count`` is negative, or the clusters are not those
            of the mixture.
    """

    def __init__(self, encoder: dict, clusters: dict, mixture: dict,
                 tokenizer: dict | None = None, prior_count: float = 1.,
                 **base) -> None:
        super().__init__(**base)
        if not prior_count >= 0:
            raise ValueError(f'prior_count must be 0 or more, got '
                             f'{prior_count}.')
        self.encoder = Frozen.build(ENCODERS, encoder)
        self.tokenizer = Frozen.build(TOKENIZERS, tokenizer)
        self.mixture = MODELS.build(mixture)
        centroids = Frozen.build(REPRESENTATION_DIFFUSERS,
                                 clusters).representations
        if centroids.shape != self.mixture.centroids.shape:
            raise ValueError(
                'the mixture is of (clusters, values) '
                f'{tuple(self.mixture.centroids.shape)}, the file of clusters '
                f'has {tuple(centroids.shape)}; set num and rep_dim of '
                'model.mixture.')
        self.mixture.centroids.copy_(centroids)
        self.prior_count = prior_count
        self.register_buffer('total', torch.zeros_like(
            self.mixture.means, dtype=torch.float64))
        self.register_buffer('squares', torch.zeros_like(self.total))

    # The parts that encode() uses. A cache of its results depends on no other.
    encoding_parts = ('encoder', 'tokenizer')

    @torch.no_grad()
    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """``representations`` and, with a tokenizer, ``codes`` of images."""
        images, encoded = images.float(), {}
        if self.tokenizer is not None:
            with self.tokenizer.in_float32(images.device) as tokenizer:
                encoded['codes'] = tokenizer.encode(images)
        with self.encoder.in_float32(images.device) as encoder:
            encoded['representations'] = encoder(images)
        return encoded

    @torch.no_grad()
    def forward(self, images: Tensor | None = None, mode: str = 'tensor',
                rng: SampleRng | None = None, indices: Tensor | None = None,
                labels: Tensor | None = None, **encoded: Tensor):
        """In mode 'loss' add a batch; else what :meth:`encode` returns.

        Args:
            **encoded: Cached results of :meth:`encode`, in place of images.
        """
        encoded = encoded or self.encode(images)
        if mode != 'loss':
            return encoded
        values = encoded['representations']
        modes = self.mixture.modes(values)
        if self.tokenizer is not None:
            with self.tokenizer.in_float32(values.device) as tokenizer:
                values = tokenizer.training_codes(encoded['codes'], rng)
        return self.loss(values, modes)

    def loss(self, values: Tensor, modes: Tensor) -> dict[str, Tensor]:
        """Add values (N, ...) of modes (N,) to the sums, and solve.

        Returns:
            ``loss_within``: Mean square of what is left of values, when the
            means of their modes are subtracted.
        """
        values = torch.cat(all_gather(values.double().contiguous()))
        modes = torch.cat(all_gather(modes))
        self.mixture.counts += modes.bincount(minlength=self.mixture.num)
        self.total.index_add_(0, modes, values)
        self.squares.index_add_(0, modes, values.square())
        self._solve()
        rest = values - self.mixture.means[modes]
        return dict(loss_within=rest.square().mean())

    def _solve(self) -> None:
        """Means and standard deviations from the sums."""
        counts = self.mixture.counts.double().view(
            -1, *[1] * (self.total.ndim - 1))  # (K, 1, ...)
        number = counts.sum()
        means = torch.where(counts > 0, self.total / counts,
                            self.total.sum(0) / number)
        within = (self.squares - counts * means.square()).clamp(min=0)
        shared = within.sum(0) / number
        if len(self.mixture.stds) == 1:
            variances = shared[None]
        else:
            weight = counts + self.prior_count
            variances = torch.where(weight > 0, (
                within + self.prior_count * shared) / weight, shared)
        self.mixture.means.copy_(means)
        self.mixture.stds.copy_(variances.sqrt())
