"""The adversarial term of VQGAN (arXiv:2012.09841) section 3.1."""
import math
from itertools import pairwise

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn
from torch.nn import functional as F

from rcg.registry import MODELS


@MODELS.register_module()
class PatchDiscriminator(nn.Module):
    """Judges overlapping patches (PatchGAN, arXiv:1611.07004).

    Group norms, where the paper has batch norms: the verdict on an image
    depends neither on its batch nor on the number of processes.

    Args:
        dim: Width of the first layer; doubles with each one up to eightfold.
        num_layers: Layers of stride 2; an image needs 3 * 2**num_layers
            pixels a side.
    """

    def __init__(self, dim: int = 64, num_layers: int = 3) -> None:
        super().__init__()
        layers = [nn.Conv2d(3, dim, 4, 2, 1), nn.LeakyReLU(.2)]
        widths = [dim * min(2**i, 8) for i in range(num_layers + 1)]
        for i, (width, out) in enumerate(pairwise(widths), 1):
            stride = 2 if i < num_layers else 1
            layers += [nn.Conv2d(width, out, 4, stride, 1, bias=False),
                       nn.GroupNorm(math.gcd(32, out), out),
                       nn.LeakyReLU(.2)]
        self.layers = nn.Sequential(*layers,
                                    nn.Conv2d(widths[-1], 1, 4, 1, 1))
        self.min_size = 2**num_layers * 3

    def forward(self, images: Tensor) -> Tensor:
        """Verdicts (N, 1, h, w), high for real, on images in [-1, 1].

        Raises:
            ValueError: The images are too small.
        """
        if min(images.shape[2:]) < self.min_size:
            raise ValueError(
                f'PatchDiscriminator wants {self.min_size} pixels or more a '
                f'side, got {tuple(images.shape[2:])}; take fewer num_layers.')
        return self.layers(images)


@MODELS.register_module()
class AdversarialLoss(nn.Module):
    """Both sides of the game in one pass, with gradients kept apart.

    The tokenizer is judged by a copy of the discriminator without gradients,
    the discriminator by detached images. One backward pass of the sum gives
    either side its own gradient, and a plain optimizer, DDP and gradient
    accumulation need to know nothing of the game; both sides step at once.
    For one optimizer a side see
    :class:`~rcg.engine.optim.JointOptimWrapper`.

    Args:
        discriminator: Config of the discriminator.
        weight: Of the tokenizer's term, times the adaptive weight (eq. 7).
        start: The game begins after that many steps. Until then the
            discriminator's gradients are 0 (give it no weight decay).
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
            other_loss: Scalar; what else the reconstructions are to reduce.
            last_layer: The decoder's last weights; the adaptive weight makes
                both losses pull equally hard at them.
            step: Steps done so far.
        """
        if step < self.start:
            # DDP wants a gradient, if only 0, for every parameter.
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
        verdicts = torch.func.functional_call(
            self.discriminator, frozen, (fakes,))
        return -verdicts.float().mean()

    def _discriminator_loss(self, reals: Tensor, fakes: Tensor) -> Tensor:
        verdicts = self.discriminator(torch.cat([reals, fakes])).float()
        real, fake = verdicts.chunk(2)
        return (F.relu(1 - real).mean() + F.relu(1 + fake).mean()) / 2


def adaptive_weight(loss: Tensor, adversarial_loss: Tensor,
                    last_layer: Tensor) -> Tensor:
    """|gradient of ``loss``| over that of ``adversarial_loss``, eq. 7.

    The gradients are those of the whole batch on all processes.

    Returns:
        Scalar without gradient, at most 1e4.
    """
    norms = []
    for term in (loss, adversarial_loss):
        gradient, = torch.autograd.grad(term, last_layer, retain_graph=True)
        all_reduce(gradient, op='mean')
        norms.append(gradient.float().norm())
    # 1e-4 and 1e4 as in the paper's code (CompVis/taming-transformers).
    return (norms[0] / (norms[1] + 1e-4)).clamp(max=1e4)
