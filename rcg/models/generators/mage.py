"""MAGE as a pixel generator: predicts hidden tokens, unmasks step by step."""
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from rcg.models.generators.base import Estimate, PixelGenerator
from rcg.models.generators.masking import (
    MaskRatioDistribution,
    hide_least_confident,
    num_still_masked,
    random_masks,
)
from rcg.registry import PIXEL_GENERATORS
from rcg.rng import SampleRng, check_finite


class UnmaskingStep(NamedTuple):
    """Inputs and results of one sampling step; (N, L), but for logits."""
    input_ids: Tensor  # unknown tokens are mask tokens
    logits: Tensor  # (N, L, K), guided
    confidence: Tensor  # +inf where the token was known
    sampled: Tensor  # token ids without mask tokens
    next_ids: Tensor  # the least confident ones masked again


@PIXEL_GENERATORS.register_module()
class MAGE(PixelGenerator):
    """Masked generative encoder (arXiv:2211.09117), conditioned as in RCG.

    Args:
        network: Config of a :class:`~rcg.models.networks.MAGEViT`.
        mask_ratio: Arguments of :class:`MaskRatioDistribution`.
        label_smoothing: Of the cross entropy over K codes, in [0, 1).
        num_steps: Number of sampling steps.
        temperature: Scale of the Gumbel noise on confidences in the first
            step; it falls linearly to 0.
        guidance_scale, guidance: See :class:`PixelGenerator`; the schedule is
            linear by default, as published.
    """

    def __init__(self, network: dict, mask_ratio: dict | None = None,
                 label_smoothing: float = .1, num_steps: int = 20,
                 temperature: float = 6., guidance_scale: float = 1.,
                 guidance: dict | None = None) -> None:
        super().__init__(network, guidance_scale,
                         {'schedule': 'linear', **(guidance or {})})
        if num_steps < 1 or temperature < 0:
            raise ValueError('num_steps must be at least 1 and temperature '
                             f'not negative, got {num_steps} and '
                             f'{temperature}.')
        self.mask_ratio = MaskRatioDistribution(**mask_ratio or {})
        self.label_smoothing = label_smoothing
        self.num_steps, self.temperature = num_steps, temperature

    def loss(self, codes: Tensor, condition: Tensor | None,
             rng: SampleRng) -> dict[str, Tensor]:
        """Cross entropy on the hidden tokens of codes (N, L), in [0, K).

        It is averaged over the hidden tokens of an image, then over images.
        An image's loss depends on neither batch nor number of processes,
        unless a batch shares its mask ratio
        (:class:`MaskRatioDistribution`).

        Returns:
            ``loss_tokens``, and ``token_accuracy`` on hidden tokens.

        Raises:
            ValueError: L is not the network's.
        """
        net = self.network
        if codes.shape[1:] != (net.num_tokens, ):
            raise ValueError(
                f'the network is for {net.num_tokens} tokens an image, got '
                f'{tuple(codes.shape[1:])}; change num_tokens or the images.')
        embedding = self.embed(condition, rng)
        ratios = self.mask_ratio.sample(rng)  # (N,)
        masked, kept = random_masks(
            rng.uniform(net.num_tokens), ratios,
            self.mask_ratio.num_dropped(net.num_tokens))
        logits = net(codes, masked, embedding, kept).float()  # (N, L, K)
        # Flat, codes last: on a CPU half the time of (N, K, L).
        error = cross_entropy(
            logits.flatten(0, 1), codes.flatten(), reduction='none',
            label_smoothing=self.label_smoothing).view_as(codes)  # (N, L)
        counts = masked.sum(1)  # (N,)
        right = (logits.argmax(-1) == codes) & masked
        return dict(loss_tokens=((error * masked).sum(1) / counts).mean(),
                    token_accuracy=right.sum() / counts.sum())

    @torch.no_grad()
    def sample(self, condition: Tensor | None, rng: SampleRng) -> Tensor:
        """Draw token ids (N, L) in [0, K), one condition a row."""
        for step in self.steps(condition, rng):
            pass
        check_finite(step.logits, rng, "the generator's logits")
        return step.sampled

    @torch.no_grad()
    def estimates(self, condition: Tensor | None, rng: SampleRng
                  ) -> Iterator[Estimate]:
        """After each step the tokens (N, L), and which are masked again."""
        for number, step in enumerate(self.steps(condition, rng), 1):
            hidden = step.next_ids == self.network.mask_token
            if number == self.num_steps:  # the schedule always masks one
                check_finite(step.logits, rng, "the generator's logits")
                hidden = None
            yield Estimate(number, self.num_steps, step.sampled, hidden)

    def temperature_at(self, step: int) -> float:
        """Scale of the Gumbel noise on confidences at one step."""
        return self.temperature * (1 - (step + 1) / self.num_steps)

    @torch.no_grad()
    def steps(self, condition: Tensor | None, rng: SampleRng
              ) -> Iterator[UnmaskingStep]:
        """Iterative decoding, MaskGIT (arXiv:2202.04200) section 3.2."""
        net = self.network
        guided = self.guided_network(condition)
        num_unknown = net.num_tokens
        ids = torch.full((len(rng), net.num_tokens), net.mask_token,
                         device=rng.device)
        for step in range(self.num_steps):
            unknown = ids == net.mask_token
            progress = (step + 1) / self.num_steps
            logits = guided(ids, unknown, progress=progress)  # (N, L, K)
            sampled = torch.where(unknown, rng.categorical(logits), ids)
            num_unknown = num_still_masked(step, self.num_steps,
                                           net.num_tokens, num_unknown)
            confidence, hide = hide_least_confident(
                logits, sampled, unknown, num_unknown,
                self.temperature_at(step), rng)
            following = sampled.masked_fill(hide, net.mask_token)
            yield UnmaskingStep(ids, logits, confidence, sampled, following)
            ids = following
