"""A sampling loop as one CUDA graph.

Hundreds of steps of a small network are tens of thousands of kernels, which
the host starts more slowly than a GPU runs them. A CUDA graph records them all
once, and one call starts them.

Never run on a GPU so far. Tests replace :class:`CudaRecording` alone.
"""
from collections.abc import Callable, Hashable

import torch
from torch import Tensor

from rcg.rng import SampleRng

Draw = Callable[[SampleRng, Tensor | None], Tensor]
MOST = 4  # graphs that are kept; each has memory of its own


def padded_size(rows: int) -> int:
    """Rows of the graph that draws ``rows`` of them.

    A power of two or a multiple of 64: so batches of many sizes, such as the
    last one of a test, need few graphs. Streams do not depend on each other;
    to draw more of them changes nothing.
    """
    if rows > 64:
        return -(-rows // 64) * 64
    return 1 << (rows - 1).bit_length()


class CudaRecording:
    """A loop that a CUDA graph has recorded for its own inputs.

    It holds the addresses of what the loop reads, so those must stay. Random
    numbers start at the draw ``num_draws`` of their streams.

    Attributes:
        keys, labels: The inputs; to be filled in before :meth:`replay`.
        out (N, ...): The result; the next replay overwrites it.
        draws: Draws of random numbers in it.
    """

    def __init__(self, draw: Draw, keys: Tensor, labels: Tensor | None,
                 num_draws: int) -> None:
        # It refers to what it reads besides parameters, such as timesteps.
        self.draw, self.num_draws = draw, num_draws
        self.keys = keys.clone()
        self.labels = None if labels is None else labels.clone()
        self.record()

    def record(self) -> None:
        """Run the loop once, which compiles and fills caches; record it."""
        here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            self.run()
        here.wait_stream(aside)
        self.graph = torch.cuda.CUDAGraph()
        # Other threads may go on: loaders pin memory.
        with torch.cuda.graph(self.graph, capture_error_mode='thread_local'):
            self.run()

    def run(self) -> None:
        """The loop itself."""
        rng = SampleRng(self.keys)
        rng.num_draws = self.num_draws
        self.out = self.draw(rng, self.labels)
        self.draws = rng.num_draws - self.num_draws

    def replay(self) -> None:
        """Run what was recorded."""
        self.graph.replay()


class GraphedLoop:
    """Records a loop when it is first needed, and replays it.

    A copy of the model that it belongs to has none of its recordings.

    Attributes:
        recordings: By all that they depend on, the last one used at the end.
    """
    recording_type = CudaRecording

    def __init__(self) -> None:
        self.recordings: dict[Hashable, CudaRecording] = {}

    def __deepcopy__(self, memo: dict) -> 'GraphedLoop':
        return type(self)()

    def __call__(self, draw: Draw, rng: SampleRng, labels: Tensor | None,
                 state: Hashable) -> Tensor:
        """Draw (N, ...), as ``draw(rng, labels)`` does.

        Args:
            draw: A loop without host-device synchronization that depends on
                nothing but its arguments and ``state``.
            rng: Streams (N,); they advance.
            labels (N,): For a class-conditional model.
            state: What else ``draw`` depends on, as far as it can change.
                Numbers in tensors may change in place.
        """
        missing = padded_size(len(rng)) - len(rng)
        keys, labels = _padded(rng.keys, missing), _padded(labels, missing)
        key = (len(keys), rng.num_draws, labels is None, state)
        recording = self.recordings.pop(key, None)
        if recording is None:
            while len(self.recordings) >= MOST:
                del self.recordings[next(iter(self.recordings))]
            recording = self.recording_type(draw, keys, labels,
                                            rng.num_draws)
        self.recordings[key] = recording
        recording.keys.copy_(keys)
        if labels is not None:
            recording.labels.copy_(labels)
        recording.replay()
        rng.num_draws += recording.draws
        return recording.out[:len(rng)].clone()


def _padded(rows: Tensor | None, missing: int) -> Tensor | None:
    """Rows (N, ...) and the last one again, ``missing`` times."""
    if rows is None or not missing:
        return rows
    return torch.cat([rows, rows[-1:].expand(missing, *rows.shape[1:])])
