"""Batches of images, decoded at once or while the next ones are drawn."""
import copy
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from rcg.apis.batch_sizes import BatchSizes
from rcg.apis.inference.frames import Frame, watched
from rcg.engine import Halving
from rcg.models.data_preprocessor import to_uint8
from rcg.rng import SampleRng, check_finite


class Drawer:
    """Draws images with a model; batches that need too much memory are halved.

    Args:
        model: An RCG.
        device: Where it is.
        overlap: Whether to decode a batch while the next one is drawn.
    """

    def __init__(self, model: nn.Module, device: torch.device,
                 overlap: bool = False) -> None:
        self.model, self.device = model, device
        self._drawing, self._decoding = Halving('sampling'), Halving(
            'decoding')
        self._beside = Beside(self._decode, device) if overlap else None
        self._watch = None

    def prepared(self, model: nn.Module,
                 watch: Callable[[Frame], None] | None = None) -> 'Drawer':
        """The same with another model of these weights, for one call.

        Args:
            model: See :func:`~rcg.apis.inference.settings.with_settings`.
            watch: Called with a frame after each step; then no batch is
                decoded beside the next one.
        """
        other = copy.copy(self)
        other.model, other._watch = model, watch
        if watch is not None:
            other._beside = None
        return other

    def __call__(self, count: int, batch_size: int | str,
                 inputs: Callable[[Tensor], dict]) -> Iterator[Tensor]:
        """Batches of images, uint8 on the CPU.

        Args:
            count: Number of images. The last one fills up the last batch.
            batch_size: See :class:`~rcg.apis.batch_sizes.BatchSizes`.
            inputs: Called with the numbers of images; returns their ``keys``
                (N, 2), and what ``model.sample`` takes besides.

        Raises:
            ValueError: ``count`` or ``batch_size`` is not positive.
        """
        sizes = BatchSizes(batch_size, self.device)
        if count < 1:
            raise ValueError('the number of images must be at least 1, got '
                             f'{count}.')
        return later(self._begin(count, sizes, inputs),
                     0 if self._beside is None else 1)

    def _begin(self, count: int, sizes: BatchSizes,
               inputs: Callable[[Tensor], dict]
               ) -> Iterator[Callable[[], Tensor]]:
        start = self._now if self._beside is None else self._later
        begun = 0
        while begun < count:
            with sizes.watching() as size:
                numbers = torch.arange(begun, begun + size)
                wait = start(inputs, numbers.clamp_(max=count - 1))
            yield lambda wait=wait, left=count - begun: wait()[:left]
            begun += size

    def arguments(self, batch: dict) -> tuple:
        """What ``model.sample`` takes; the streams are on the device."""
        rng = SampleRng(batch['keys'].to(self.device),
                        batch.get('num_draws', 0))
        return rng, batch.get('labels'), batch.get('representations')

    def _now(self, inputs: Callable[[Tensor], dict], numbers: Tensor
             ) -> Callable[[], Tensor]:
        def draw(numbers: Tensor) -> Tensor:
            arguments = self.arguments(inputs(numbers))
            if self._watch is not None:
                return watched(self.model, arguments, numbers, self._watch)
            images = self.model.sample(*arguments)
            return to_uint8(images, self.model.quantization).cpu()
        images = self._drawing(draw, numbers)
        return lambda: images

    def _later(self, inputs: Callable[[Tensor], dict], numbers: Tensor
               ) -> Callable[[], Tensor]:
        def draw(numbers: Tensor) -> dict:
            rng, *given = self.arguments(inputs(numbers))
            return dict(codes=self.model.sample_codes(rng, *given),
                        keys=rng.keys)
        drawn = self._drawing(draw, numbers)
        wait = self._beside(drawn)

        def images() -> Tensor:
            decoded, result = wait()
            check_finite(decoded, SampleRng(drawn['keys']), 'images')
            return result
        return images

    def _decode(self, drawn: dict) -> tuple[Tensor, Tensor]:
        images = self._decoding(self.model.decode, drawn['codes'])
        return images, to_uint8(images, self.model.quantization)


def later(calls: Iterable[Callable], behind: int) -> Iterator:
    """Results of calls in their order, ``behind`` calls behind."""
    waiting = deque()
    for call in calls:
        waiting.append(call)
        if len(waiting) > behind:
            yield waiting.popleft()()
    for call in waiting:
        yield call()


class Beside:
    """Starts work whose result is fetched later; on a GPU, beside other work.

    There it has a stream of its own. One thread starts all work, as settings
    like :func:`rcg.precision.exact_float32` hold for the whole process. On a
    CPU it is done at once.

    Args:
        work: Takes a dict of tensors; returns tensors (values, result) without
            waiting for the device.
        device: Where it runs.
    """

    def __init__(self, work: Callable[[dict], tuple[Tensor, Tensor]],
                 device: torch.device) -> None:
        self.work, self.stream = work, None
        if device.type == 'cuda':
            self.stream = torch.cuda.Stream(device)

    def __call__(self, batch: dict[str, Tensor]
                 ) -> Callable[[], tuple[Tensor, Tensor]]:
        """Start; what is returned waits, and gives the result on the host.

        The values stay on the device.
        """
        if self.stream is None:
            values, result = self.work(batch)
            return lambda: (values, result.cpu())
        self.stream.wait_stream(torch.cuda.current_stream(self.stream.device))
        for tensor in batch.values():
            tensor.record_stream(self.stream)  # else its memory is reused
        with torch.cuda.stream(self.stream):
            values, result = self.work(batch)
            result = result.to('cpu', non_blocking=True)  # pinned
            done = self.stream.record_event()

        def wait() -> tuple[Tensor, Tensor]:
            done.synchronize()
            values.record_stream(torch.cuda.current_stream(values.device))
            return values, result
        return wait
