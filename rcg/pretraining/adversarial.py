"""The adversarial loss of VQGAN (arXiv:2012.09841, section 3.1)."""
import math
from itertools import pairwise

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn
from torch.nn import functional as F

from rcg.models.layers.group_norm import GroupNorm
from rcg.registry import MODELS


@MODELS.register_module()
class PatchDiscriminator(nn.Module):
    """Classifies overlapping patches as real or fake.

    PatchGAN (arXiv:1611.07004), with group norms instead of batch norms, so
    that the logits of an image depend neither on its batch nor on the number
    of processes.

    Args:
        dim: Width of the first layer. Each layer doubles it, up to eightfold.
        num_layers: Layers of stride 2. Images need at least
            3 * 2**num_layers pixels a side.
    """

    def __init__(self, dim: int = 64, num_layers: int = 3) -> None:
        super().__init__()
        layers = [nn.Conv2d(3, dim, 4, 2, 1), nn.LeakyReLU(.2)]
        widths = [dim * min(2**i, 8) for i in range(num_layers + 1)]
        for i, (width, out) in enumerate(pairwise(widths), 1):
            stride = 2 if i < num_layers else 1
            layers += [nn.Conv2d(width, out, 4, stride, 1, bias=False),
                       GroupNorm(math.gcd(32, out), out),
                       nn.LeakyReLU(.2)]
        self.layers = nn.Sequential(*layers,
                                    nn.Conv2d(widths[-1], 1, 4, 1, 1))
        self.min_size = 2**num_layers * 3

    def forward(self, images: Tensor) -> Tensor:
        """Images in [-1, 1] -> logits (N, 1, h, w), high for real patches.

        Raises:
            ValueError: The images are too small.
        """
        if min(images.shape[2:]) < self.min_size:
            raise ValueError(
                'PatchDiscriminator needs images of at least '
                f'{self.min_size} pixels a side, got '
                f'{tuple(images.shape[2:])}; use a smaller num_layers.')
        return self.layers(images)


@MODELS.register_module()
class AdversarialLoss(nn.Module):
    """Losses of the tokenizer and the discriminator in one pass.

    The tokenizer's loss goes through detached weights of the discriminator,
    the discriminator's loss sees detached images. So one backward pass of
    their sum gives either side the gradient of its own loss alone. Both take
    their step at the same time, and a plain optimizer, DDP and gradient
    accumulation work as usual. For one optimizer for each side see
    :class:`~rcg.engine.optim.JointOptimWrapper`.

    Args:
        discriminator: Config of the discriminator.
        weight: Weight of the tokenizer's loss, times the adaptive weight
            (eq. 7).
        start: Number of steps before adversarial training begins. Until then
            the discriminator's gradients are 0 (give it no weight decay).
    """

    def __init__(self, discriminator: dict, weight: float = .8,
                 start: int = 0) -> None:
        super().__init__()
        self.discriminator = MODELS.build(discriminator)
        self.weight, self.start = weight, start

    def forward(self, reals: Tensor, fakes: Tensor, other_loss: Tensor,
                last_layer: Tensor, step: int) -> dict[str, Tensor]:
        """Terms of the loss.

        Args:
            reals (N, 3, H, W): Images in [-1, 1].
            fakes (N, 3, H, W): Their reconstructions, with gradients.
            other_loss: Scalar; sum of the tokenizer's other losses.
            last_layer: Last weights of the tokenizer. The adaptive weight
                equalizes the gradients that both losses give them.
            step: Steps done so far.
        """
        if step < self.start:
            # DDP needs a gradient for every parameter, even if it is 0.
            zero = sum(p.sum() for p in self.discriminator.parameters()) * 0
            return dict(loss_generator=fakes.new_zeros(()),
                        loss_discriminator=zero)
        loss = self._generator_loss(fakes)
        weight = self.weight
        if last_layer.requires_grad and fakes.requires_grad:
            weight = weight * adaptive_weight(other_loss, loss, last_layer)
        return dict(loss_generator=weight * loss,
                    loss_discriminator=self._discriminator_loss(
                        reals, fakes.detach()))

    def _generator_loss(self, fakes: Tensor) -> Tensor:
        frozen = {name: value.detach() for name, value in
                  self.discriminator.state_dict(keep_vars=True).items()}
        logits = torch.func.functional_call(
            self.discriminator, frozen, (fakes,))
        return -logits.float().mean()

    def _discriminator_loss(self, reals: Tensor, fakes: Tensor) -> Tensor:
        logits = self.discriminator(torch.cat([reals, fakes])).float()
        real, fake = logits.chunk(2)
        return (F.relu(1 - real).mean() + F.relu(1 + fake).mean()) / 2


def adaptive_weight(loss: Tensor, adversarial_loss: Tensor,
                    last_layer: Tensor) -> Tensor:
    """Ratio of the losses' gradient norms at ``last_layer`` (eq. 7).

    The gradients are averaged over all processes.

    Returns:
        |gradient of ``loss``| / |gradient of ``adversarial_loss``|, a scalar
        without gradient, at most 1e4.
    """
    norms = []
    for term in (loss, adversarial_loss):
        gradient, = torch.autograd.grad(term, last_layer, retain_graph=True)
        all_reduce(gradient, op='mean')
        norms.append(gradient.float().norm())
    # 1e-4 and 1e4 as in the paper's code (CompVis/taming-transformers).
    return (norms[0] / (norms[1] + 1e-4)).clamp(max=1e4)
