"""The two stages of a representation autoencoder (arXiv:2510.11690)."""
import torch
from torch import Tensor

from rcg.frozen import Frozen, HasFrozenParts
from rcg.pretraining.closed_form import ClosedFormTraining
from rcg.pretraining.vqgan import VQTraining
from rcg.registry import ENCODERS, MODELS
from rcg.rng import SampleRng


@MODELS.register_module()
class NormalizationTraining(HasFrozenParts, ClosedFormTraining):
    """Computes mean and variance of an encoder's feature maps.

    One pass over a dataset makes those of the dataset. Load the result with
    ``prefix='normalization.'``.

    Args:
        encoder: Config of the frozen encoder, with ``checkpoint``.
        normalization: Config of a :class:`GridNormalization`.
        base: ``data_preprocessor`` (config; see :class:`ImagePreprocessor`)
            and ``init_cfg`` of MMEngine's BaseModel.
    """

    def __init__(self, encoder: dict, normalization: dict, **base) -> None:
        super().__init__(**base)
        self.encoder = Frozen.build(ENCODERS, encoder)
        self.normalization = MODELS.build(normalization)
        for name in 'total', 'squares':
            self.register_buffer(name, torch.zeros_like(
                self.normalization.mean, dtype=torch.float64))
        self.register_buffer('num_values', torch.zeros((),
                                                       dtype=torch.int64))

    @torch.no_grad()
    def forward(self, images: Tensor, mode: str = 'tensor', **batch):
        """In mode 'loss' add a batch; else codes (N, C, h, w) of images."""
        with self.encoder.in_float32(images.device) as encoder:
            features = encoder.feature_map(images.float()).float()
        self.normalization.check(features)
        if mode == 'loss':
            return self.loss(features)
        return self.normalization(features)

    def loss(self, features: Tensor) -> dict[str, Tensor]:
        """Add features (N, C, h, w) to the sums, and update the statistics.

        Returns:
            ``loss_std``: How far the standard deviation of this batch's codes
            is from 1.
        """
        norm, x = self.normalization, features.double()
        per_place = norm.grid_size is not None
        axes = (0, ) if per_place else (0, 2, 3)
        places = 1 if per_place else x[0, 0].numel()
        self.add(num_values=torch.tensor(len(x) * places, device=x.device),
                 total=x.sum(axes).view_as(self.total),
                 squares=x.square().sum(axes).view_as(self.total))
        mean = self.total / self.num_values
        norm.mean.copy_(mean)
        norm.variance.copy_(
            (self.squares / self.num_values - mean.square()).clamp(min=0))
        norm.num_images.copy_(self.num_values // places)
        return dict(loss_std=(norm(features).std() - 1).abs())


@MODELS.register_module()
class DecoderTraining(VQTraining):
    """Trains the decoder of a representation autoencoder on noisy codes.

    A generator's codes are not quite those of images. So in training the
    codes of each image get noise of a standard deviation of its own,
    sigma ~ |N(0, noise_tau^2)| (the paper's noise-augmented decoding). It
    monitors PSNR, predicts reconstructions and is loaded with
    ``prefix='tokenizer.'``, like :class:`VQTraining`.

    Args:
        tokenizer: Config of a :class:`RepresentationAutoencoder`.
        noise_tau: The tau of the noise, at least 0, .8 as published; codes
            have about unit variance.
        pixel_loss: 'l1' or 'l2', between images in [0, 1].
        perceptual: Config of a :class:`PerceptualLoss`, if any.
        adversarial: Config of an :class:`AdversarialLoss`, if any.
        base: ``data_preprocessor`` (config; see :class:`ImagePreprocessor`)
            and ``init_cfg`` of MMEngine's BaseModel.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(self, tokenizer: dict, noise_tau: float = .8,
                 pixel_loss: str = 'l1', perceptual: dict | None = None,
                 adversarial: dict | None = None, **base) -> None:
        super().__init__(tokenizer, pixel_loss, perceptual=perceptual,
                         adversarial=adversarial, **base)
        if not noise_tau >= 0:
            raise ValueError(f'noise_tau must be 0 or more, got {noise_tau}.')
        self.noise_tau = noise_tau

    def loss(self, images: Tensor, rng: SampleRng) -> dict[str, Tensor]:
        """Losses of the reconstructions from noisy codes, and psnr.

        Raises:
            ValueError: The codes are not normalized.
        """
        step = int(self.step)
        if step == 0:
            self._check_normalization()
        codes = self.noisy(self.tokenizer.encode(images), rng)
        fakes = self.tokenizer.decode(codes)
        losses = self._image_losses(images, fakes.float(), step)
        if self.training:
            self.step.advance()
        return losses

    def noisy(self, codes: Tensor, rng: SampleRng) -> Tensor:
        """Codes (N, C, h, w) with noise, of as many levels as images."""
        sigma = self.noise_tau * rng.normal(1, 1, 1).abs()
        return codes + sigma * rng.normal(*codes.shape[1:])

    def _check_normalization(self) -> None:
        if not self.tokenizer.normalization.num_images:
            raise ValueError(
                'the statistics of the codes are missing: train a '
                'NormalizationTraining, and name its work folder in the '
                'init_cfg of model.tokenizer.normalization; see '
                'projects/rae/README.md.')
