"""MAGE as a pixel generator: learn to fill in tokens, unmask step by step."""
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from rcg.models.generators.base import PixelGenerator
from rcg.models.generators.masking import (
    MaskRatioLaw,
    mask_least_confident,
    num_still_masked,
    random_masks,
)
from rcg.registry import PIXEL_GENERATORS
from rcg.rng import SampleRng, check_finite


class UnmaskingStep(NamedTuple):
    """What one step of sampling saw and decided; all (N, L[, K])."""
    input_ids: Tensor  # with mask tokens
    logits: Tensor  # after guidance
    confidence: Tensor  # +inf where a token was known
    sampled: Tensor  # a full picture in token ids
    next_ids: Tensor  # the unsure ones masked again


@PIXEL_GENERATORS.register_module()
class MAGE(PixelGenerator):
    """Masked generative encoder (arXiv:2211.09117) under RCG's condition.

    Args:
        network: Config of a :class:`~rcg.models.networks.MAGEViT`.
        mask_ratio: Arguments of :class:`MaskRatioLaw`.
        label_smoothing: In [0, 1), over the K codes.
        num_steps: Unmasking steps of sampling.
        temperature: Of the choice of tokens to keep; decays linearly to 0.
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
        self.mask_ratio = MaskRatioLaw(**mask_ratio or {})
        self.label_smoothing = label_smoothing
        self.num_steps, self.temperature = num_steps, temperature

    def loss(self, codes: Tensor, condition: Tensor | None,
             rng: SampleRng) -> dict[str, Tensor]:
        """Cross entropy of the hidden ones of codes (N, L), ids in [0, K).

        Every image counts the same. Unless they share a mask ratio (see
        :class:`MaskRatioLaw`), an image's loss does not depend on the batch
        and the number of processes. A ValueError if L is not the network's.

        Returns:
            ``loss_tokens``, and ``token_accuracy`` on hidden tokens.
        """
        net = self.network
        if codes.shape[1:] != (net.num_tokens, ):
            raise ValueError(
                f'the network is for {net.num_tokens} tokens an image, got '
                f'{tuple(codes.shape[1:])}; change num_tokens or the images.')
        embedding = self.embed(condition, rng)
        ratios = self.mask_ratio.draw(rng)  # (N,)
        masked, kept = random_masks(
            rng.uniform(net.num_tokens), ratios,
            self.mask_ratio.num_dropped(net.num_tokens))
        logits = net(codes, masked, embedding, kept).float()  # (N, L, K)
        error = cross_entropy(logits.transpose(1, 2), codes, reduction='none',
                              label_smoothing=self.label_smoothing)  # (N, L)
        counts = masked.sum(1)  # (N,)
        right = (logits.argmax(-1) == codes) & masked
        return dict(loss_tokens=((error * masked).sum(1) / counts).mean(),
                    token_accuracy=right.sum() / counts.sum())

    @torch.no_grad()
    def sample(self, condition: Tensor | None, rng: SampleRng) -> Tensor:
        """Draw token ids (N, L) in [0, K), given one condition a row."""
        for step in self.steps(condition, rng):
            pass
        check_finite(step.logits, rng, "the generator's logits")
        return step.sampled

    def temperature_at(self, step: int) -> float:
        """The choice temperature of one step; it falls linearly to 0."""
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
            confidence = logits.log_softmax(-1).gather(
                -1, sampled.unsqueeze(-1)).squeeze(-1)
            noise = self.temperature_at(step)
            if noise > 0:
                confidence = confidence + noise * rng.gumbel(net.num_tokens)
            confidence = confidence.masked_fill(~unknown, torch.inf)
            num_unknown = num_still_masked(step, self.num_steps,
                                           net.num_tokens, num_unknown)
            hide = mask_least_confident(confidence, num_unknown)
            following = sampled.masked_fill(hide, net.mask_token)
            yield UnmaskingStep(ids, logits, confidence, sampled, following)
            ids = following
