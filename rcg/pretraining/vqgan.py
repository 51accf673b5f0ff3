"""Training of a quantising tokenizer, from VQ-VAE to VQGAN."""
import logging

import torch
from mmengine.logging import print_log
from mmengine.model import BaseModel
from torch import Tensor
from torch.nn import functional as F

from rcg.models.data_preprocessor import to_uint8
from rcg.pretraining.codebook import count_codes, pick
from rcg.pretraining.step_counter import StepCounter
from rcg.registry import MODELS, TOKENIZERS
from rcg.rng import SampleRng

_PIXEL_LOSSES = {'l1': F.l1_loss, 'l2': F.mse_loss}


@MODELS.register_module()
class VQTraining(BaseModel):
    """Trains a tokenizer that quantises latents.

    The loss is that of a VQ-VAE (arXiv:1711.00937), with perceptual and
    adversarial losses that of a VQGAN (arXiv:2012.09841). For
    ``warmup_steps`` the autoencoder learns without quantisation. Then the
    codes are set to vectors of the batch and quantisation begins. A step is
    a forward pass in training mode.

    Load the result with ``prefix='tokenizer.'``.

    Args:
        tokenizer: Config of the tokenizer.
        pixel_loss: 'l1' or 'l2', between images in [0, 1].
        warmup_steps: Steps without quantisation. None trains a given
            tokenizer further: its codes are kept and used at once.
        codebook: Config of :class:`EMACodebook`; without it, gradients move
            the codes.
        perceptual: Config of a :class:`PerceptualLoss`, if any.
        adversarial: Config of an :class:`AdversarialLoss`, if any.
        base: ``data_preprocessor`` (config; see :class:`ImagePreprocessor`)
            and ``init_cfg`` of MMEngine's BaseModel.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(self, tokenizer: dict, pixel_loss: str = 'l2',
                 warmup_steps: int | None = 0, codebook: dict | None = None,
                 perceptual: dict | None = None,
                 adversarial: dict | None = None, **base) -> None:
        super().__init__(**base)
        if pixel_loss not in _PIXEL_LOSSES:
            raise ValueError("pixel_loss must be 'l1' or 'l2', got "
                             f'{pixel_loss!r}.')
        if warmup_steps is not None and warmup_steps < 0:
            raise ValueError('warmup_steps must be 0 or more, or None to '
                             'train a given tokenizer further; got '
                             f'{warmup_steps}.')
        self.tokenizer = TOKENIZERS.build(tokenizer)
        self.pixel_loss, self.warmup_steps = pixel_loss, warmup_steps
        self.step = StepCounter()
        self.codebook = None
        if codebook is not None:
            quantizer = self.tokenizer.quantizer
            self.codebook = MODELS.build(dict(
                codebook, num_codes=quantizer.num_codes, dim=quantizer.dim))
            quantizer.codebook_to_buffer()
        self.perceptual = self.adversarial = None
        if perceptual is not None:
            self.perceptual = MODELS.build(perceptual)
        if adversarial is not None:
            self.adversarial = MODELS.build(adversarial)

    def forward(self, images: Tensor, rng: SampleRng | None = None,
                indices: Tensor | None = None, mode: str = 'tensor', **_):
        """Dispatch on ``mode``; see :meth:`loss` and :meth:`predict`.

        Args:
            images (N, 3, H, W): In [-1, 1].
            rng: One stream for each image; needed for the loss.
            indices (N,): Index of each image in the dataset.
            mode: 'loss', 'predict', or 'tensor' for the reconstruction
                (N, 3, H, W) in [-1, 1].
        """
        if mode == 'loss':
            return self.loss(images, rng)
        if mode == 'predict':
            return self.predict(images, indices)
        return self.tokenizer(images)[0]

    def check_length(self, iterations: int) -> None:
        """Warn of a run that ends before it quantizes.

        Its tokens are random. It is no error: it may be extended.

        Args:
            iterations: Of the whole run.
        """
        if 0 < (self.warmup_steps or 0) >= iterations:
            print_log(
                f'model.warmup_steps={self.warmup_steps} leaves nothing of '
                f'the {iterations} iterations of this run: the tokenizer '
                'never quantizes and its tokens are random. Train longer, or '
                'lower it.', logger='current', level=logging.WARNING)

    @torch.no_grad()
    def predict(self, images: Tensor,
                indices: Tensor | None = None) -> list[dict]:
        """Reconstruct images.

        Returns:
            A dict for each image: ``images``, the reconstruction, and
            ``originals``, both uint8 (3, H, W); ``codes``; ``index``.
        """
        if indices is None:
            indices = torch.arange(len(images))
        # Rounded, since to_uint8 would truncate 41.99999 to 41.
        originals = ((images + 1) * 127.5).round().clamp(0, 255).byte()
        reconstructed, codes, *_ = self.tokenizer(images)
        rows = zip(to_uint8(reconstructed), originals, codes,
                   indices.tolist(), strict=True)
        return [dict(images=image, originals=original, codes=code,
                     index=index)
                for image, original, code, index in rows]

    def loss(self, images: Tensor, rng: SampleRng) -> dict[str, Tensor]:
        """Losses, psnr, and how evenly the codes are used."""
        step = int(self.step)
        z = self.tokenizer.latents(images)
        losses = {}
        if step < (self.warmup_steps or 0):
            # DDP needs a gradient for every parameter, even if it is 0.
            codes = self.tokenizer.quantizer.codebook
            losses['loss_codebook'] = (codes * 0).sum()
        else:
            z, losses = self._quantize(z, rng, step)
        fakes = self.tokenizer.decode_latents(z).float()
        losses |= self._image_losses(images, fakes, step)
        if self.training:
            self.step.advance()
        return losses

    def _quantize(self, z: Tensor, rng: SampleRng,
                  step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Quantise latents, and update the codes in training."""
        quantizer = self.tokenizer.quantizer
        # (N, D, h, w) -> (M, D)
        vectors = z.detach().float().movedim(1, -1).flatten(0, -2)
        if self.training and step == (self.warmup_steps or 0):
            self._start_codes(vectors, rng)
        z_q, ids, loss = quantizer(z)
        counts = count_codes(ids, quantizer.num_codes)
        if self.training and self.codebook is not None:
            self.codebook.update(quantizer.codebook, vectors, ids.flatten())
            if self.codebook.reseeds(step):
                scores = rng.gumbel(*ids.shape[1:]).flatten()
                self.codebook.reseed(quantizer.codebook, vectors, scores)
        share = counts / counts.sum()
        entropy = -(share * share.clamp(min=1e-12).log()).sum()
        return z_q, dict(loss_codebook=loss,
                         codebook_usage=(counts > 0).float().mean(),
                         codebook_perplexity=entropy.exp())

    @torch.no_grad()
    def _start_codes(self, vectors: Tensor, rng: SampleRng) -> None:
        codes = self.tokenizer.quantizer.codebook
        if self.warmup_steps is not None:
            scores = rng.uniform(len(vectors) // len(rng)).flatten()
            codes.copy_(pick(vectors, scores, len(codes)))
        if self.codebook is not None:
            self.codebook.start(codes)

    def _image_losses(self, images: Tensor, fakes: Tensor,
                      step: int) -> dict[str, Tensor]:
        """Losses of the reconstructions ``fakes``, and psnr."""
        # Halved, since the pixel loss is for a range of 1: [0, 1].
        losses = dict(loss_pixel=_PIXEL_LOSSES[self.pixel_loss](
            fakes / 2, images / 2))
        if self.perceptual is not None:
            losses['loss_perceptual'] = self.perceptual(fakes, images)
        if self.adversarial is not None:
            losses |= self.adversarial(
                images, fakes, sum(losses.values()),
                self.tokenizer.last_layer, step)
        with torch.no_grad():
            mse = (fakes.clamp(-1, 1) - images).div(2).square().mean((1, 2, 3))
            losses['psnr'] = -10 * mse.clamp(min=1e-10).log10().mean()
        return losses
