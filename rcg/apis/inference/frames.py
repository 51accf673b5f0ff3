"""The steps of sampling as images."""
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from rcg.apis.inference.shown import shown
from rcg.models.data_preprocessor import to_uint8
from rcg.models.generators.base import Estimate
from rcg.rng import SampleRng, check_finite

HIDDEN = 128  # gray of the places whose tokens are not chosen yet


class Frame:
    """What sampling has found after a step.

    MAGE shows the tokens that it has chosen, the others are gray; a diffusion
    shows the clean images that it predicts. Images are decoded when they are
    first asked for.

    Args:
        step: How many steps are done, from 1.
        num_steps: How many there are.
        indices: Numbers of the images.
        pieces: Each returns some rows of images (N, 3, H, W), uint8.

    Attributes:
        output: Form of ``images``; see :func:`~rcg.apis.inference.shown`.
    """
    output = 'pil'

    def __init__(self, step: int, num_steps: int, indices: range,
                 pieces: Sequence[Callable[[], Tensor]]) -> None:
        self.step, self.num_steps, self.indices = step, num_steps, indices
        self._pieces = pieces

    @property
    def is_last(self) -> bool:
        """Whether these are the images that are drawn."""
        return self.step == self.num_steps

    @cached_property
    def rows(self) -> Tensor:
        """(N, 3, H, W) uint8; in the last frame with what fills a batch."""
        return torch.cat([piece() for piece in self._pieces])

    @property
    def images(self) -> Sequence:
        """The images of ``indices``, in the form ``output``."""
        return shown(self.rows[:len(self.indices)], self.output)


def estimates(model: nn.Module, rng: SampleRng, labels: Tensor | None = None,
              representations: Tensor | None = None) -> Iterator[Estimate]:
    """What an RCG finds step by step; arguments are those of its sample()."""
    if representations is None:
        representations = model.sample_representations(rng, labels)
    condition = model.condition(representations, labels)
    found = model.generator.estimates(condition, rng)
    while True:
        # Left before each result: nothing of it reaches the caller.
        with torch.no_grad(), model.sampling.of_generator(rng.device):
            estimate = next(found, None)
        if estimate is None:
            return
        yield estimate


def decoded(model: nn.Module, estimate: Estimate, rng: SampleRng,
            count: int) -> Tensor:
    """Images (N, 3, H, W) uint8 on the CPU, of an estimate.

    Args:
        model: It decodes.
        estimate: Of a batch.
        rng: The streams of the batch.
        count: Rows that are wanted. Those of the last step are decoded with
            all others, as ``sample`` does: then they are the same bits.

    Raises:
        ValueError: The images of the last step are not finite.
    """
    is_last = estimate.step == estimate.num_steps
    rows = slice(None if is_last else count)
    codes = estimate.codes[rows]
    found = model.decode(
        codes.float() if codes.is_floating_point() else codes)
    if is_last:
        check_finite(found, rng, 'images')
    images = to_uint8(found, model.quantization)
    if estimate.hidden is not None:
        images = _without(images, estimate.hidden[rows])
    return images.cpu()


def _without(images: Tensor, hidden: Tensor) -> Tensor:
    """Gray out the places of tokens (N, L) of a square grid."""
    side = round(hidden.shape[1]**.5)
    if side**2 != hidden.shape[1]:
        return images
    grid = hidden.view(-1, 1, side, side).float()
    places = interpolate(grid, images.shape[2:], mode='nearest') > 0
    return images.masked_fill(places, HIDDEN)


def watched(model: nn.Module, arguments: tuple, numbers: Tensor,
            watch: Callable[[Frame], None]) -> Tensor:
    """Draw a batch, and show each step.

    Args:
        model: An RCG.
        arguments: What its sample() takes.
        numbers (N,): Of the images. The last one may fill up the batch.
        watch: Called with a frame after each step.

    Returns:
        (N, 3, H, W): uint8, on the CPU.
    """
    indices = range(int(numbers[0]), int(numbers[-1]) + 1)
    for estimate in estimates(model, *arguments):
        frame = Frame(estimate.step, estimate.num_steps, indices, [
            lambda estimate=estimate: decoded(
                model, estimate, arguments[0], len(indices))])
        watch(frame)
    return frame.rows


def film(model: nn.Module, batches: Sequence[tuple[Tensor, tuple]]
         ) -> Iterator[Frame]:
    """Frames of several batches, which take each step together.

    Args:
        model: An RCG.
        batches: Of each the numbers of its images and what sample() takes.
    """
    running = [estimates(model, *arguments) for _, arguments in batches]
    counts = [len(set(numbers.tolist())) for numbers, _ in batches]
    for found in zip(*running, strict=True):
        pieces = [
            lambda one=one, rng=arguments[0], count=count: decoded(
                model, one, rng, count)[:count]
            for one, (_, arguments), count in zip(
                found, batches, counts, strict=True)]
        yield Frame(found[0].step, found[0].num_steps, range(sum(counts)),
                    pieces)
