"""Training of a tokenizer with continuous latents."""
from torch import Tensor

from rcg.models.tokenizers.autoencoder_kl import split_moments
from rcg.pretraining.vqgan import VQTraining
from rcg.registry import MODELS
from rcg.rng import SampleRng


@MODELS.register_module()
class KLTraining(VQTraining):
    """Trains an autoencoder whose latents are sampled, not quantised.

    See latent diffusion (arXiv:2112.10752), appendix G. It monitors PSNR,
    predicts reconstructions and is loaded with ``prefix='tokenizer.'``, like
    :class:`VQTraining`.

    Args:
        tokenizer: Config of an autoencoder such as :class:`AutoencoderKL`.
        kl_weight: Weight of the KL divergence of an image's latents from a
            standard normal distribution, relative to the pixel loss summed
            over the image.
        pixel_loss: 'l1' or 'l2', between images in [0, 1].
        perceptual: Config of a :class:`PerceptualLoss`, if any.
        adversarial: Config of an :class:`AdversarialLoss`, if any.
        base: ``data_preprocessor`` (config; see :class:`ImagePreprocessor`)
            and ``init_cfg`` of MMEngine's BaseModel.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(self, tokenizer: dict, kl_weight: float = 1e-6,
                 pixel_loss: str = 'l2', perceptual: dict | None = None,
                 adversarial: dict | None = None, **base) -> None:
        super().__init__(tokenizer, pixel_loss, perceptual=perceptual,
                         adversarial=adversarial,
                         **base)
        if kl_weight < 0:
            raise ValueError('kl_weight must be 0 or more, got '
                             f'{kl_weight}.')
        self.kl_weight = kl_weight

    def loss(self, images: Tensor, rng: SampleRng) -> dict[str, Tensor]:
        """Losses of the reconstructions from sampled latents, and psnr."""
        moments = self.tokenizer.encode(images)
        latents = self.tokenizer.training_codes(moments, rng)
        fakes = self.tokenizer.decode(latents)
        # Divided by the values of an image, as the pixel loss is a mean.
        weight = self.kl_weight / images[0].numel()
        losses = dict(loss_kl=weight * divergence(moments).mean())
        losses |= self._image_losses(images, fakes.float(), int(self.step))
        if self.training:
            self.step.advance()
        return losses


def divergence(moments: Tensor) -> Tensor:
    """KL divergence (N,) of latents from a standard normal distribution.

    Args:
        moments (N, 2 C, h, w): As :meth:`AutoencoderKL.encode` returns them.
    """
    mean, log_var = split_moments(moments)
    terms = mean.square() + log_var.exp() - 1 - log_var
    return terms.sum((1, 2, 3)) / 2
