"""Random numbers that depend on the sample, not on its batch.

Every image has its own random stream, in training and in sampling. The stream
is a function of (seed, position). The position is the image's place in the
sequence of training samples, or its index among the images to generate. So
results depend neither on the number of processes nor on the batch size, and
resuming a run needs no state of a random number generator.

The numbers come from Philox4x32-10 (Salmon et al., "Parallel random numbers:
as easy as 1, 2, 3", SC 2011), computed for whole batches in integer
arithmetic. CPUs and GPUs give the same integers.
"""
import math

import numpy as np
import torch
from torch import Tensor

_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_WEYL = 0x9E3779B9, 0xBB67AE85
_LOW = 0xFFFFFFFF


def philox4x32(counter: list, key: list) -> list:
    """Four random words from ten rounds of Philox4x32.

    Words are integers in [0, 2^32), in int64 tensors or uint64 arrays, whose
    products wrap around. The counter has four words, the key two; they
    broadcast against each other.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]  # modulo 2^64
        c0 = (p1 >> 32) & _LOW ^ c1 ^ k0
        c2 = (p0 >> 32) & _LOW ^ c3 ^ k1
        c1, c3 = p1 & _LOW, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return [c0, c1, c2, c3]


def _words_of(keys, place, draw: int) -> list:
    """Four words (N, P) for each place (P,) of a draw, counted from 2.

    torch.compile makes code of its own for the integers 0 and 1, so that
    counting from 0 would compile three times.
    """
    low, high = keys & _LOW, (keys >> 32) & _LOW
    return philox4x32([place, place * 0 + (draw - 2), high[:, 1:],
                       high[:, :1]], [low[:, :1], low[:, 1:]])


def _words_on_device(keys: Tensor, draw: int, places: int) -> Tensor:
    """All words (N, 4 * places) of a draw."""
    place = torch.arange(places, device=keys.device)
    return torch.stack(_words_of(keys, place, draw), -1).flatten(1)


def _words_of_numpy(keys: Tensor, draw: int, places: int) -> Tensor:
    """The same on a CPU; on small arrays NumPy is faster than tensors."""
    place = np.arange(places, dtype=np.uint64)
    words = _words_of(keys.numpy().view(np.uint64), place, draw)
    return torch.from_numpy(np.stack(words, -1).view(np.int64)).flatten(1)


_device_words = _words_on_device


def compile_words(**options) -> None:
    """Compile the random numbers that are drawn on GPUs, for this process.

    A draw is about 170 kernels otherwise. The integers are the same. On a
    CPU, NumPy draws them.

    Args:
        **options: Of ``torch.compile``.
    """
    global _device_words
    _device_words = torch.compile(_words_on_device, **{
        'dynamic': True, 'fullgraph': True, **options})


class SampleRng:
    """One random stream for each row of a batch.

    Each draw advances all streams together. The n-th draw of a row is the
    same whatever the other rows are. Parts of a model that share the object
    get different numbers, as each draws in turn.

    Args:
        keys (N, 2): Seed and position of each row; non-negative int64.
        num_draws: How many draws of the streams were made elsewhere.

    Raises:
        ValueError: ``keys`` has another shape or type.
    """

    def __init__(self, keys: Tensor, num_draws: int = 0) -> None:
        if keys.ndim != 2 or keys.shape[1] != 2 or keys.dtype != torch.int64:
            raise ValueError('keys must be (N, 2) int64 of (seed, position), '
                             f'got {tuple(keys.shape)} {keys.dtype}.')
        self.keys = keys
        self.num_draws = num_draws

    @classmethod
    def from_seed(cls, seed: int, positions, device=None,
                  num_draws: int = 0) -> 'SampleRng':
        """Streams of one seed at the given positions, a sequence of ints."""
        positions = torch.as_tensor(positions, device=device).long()
        return cls(torch.stack(
            [torch.full_like(positions, seed), positions], 1), num_draws)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def device(self) -> torch.device:
        return self.keys.device

    def _words(self, count: int) -> Tensor:  # (N, count) int64 in [0, 2^32)
        draw, places = self.num_draws + 2, -(-count // 4)
        self.num_draws += 1
        if self.device.type == 'cpu':
            words = _words_of_numpy(self.keys, draw, places)
        else:
            words = _device_words(self.keys, draw, places)
        return words[:, :count]

    def uniform(self, *shape: int) -> Tensor:
        """(N, *shape) float32, uniform in (0, 1): never 0, never 1."""
        words = self._words(math.prod(shape)) >> 9  # 23 bits
        return (words.float() + .5).mul_(2.**-23).view(len(self), *shape)

    def normal(self, *shape: int) -> Tensor:
        """(N, *shape) float32, standard normal (Box-Muller)."""
        count = math.prod(shape)
        half = -(-count // 2)
        words = self._words(2 * half)
        # With 32 bits for the radius, the tail reaches 6.7 sigma.
        u = (words[:, :half].float() + .5).mul_(2.**-32).clamp_(max=1)
        radius = u.log_().mul_(-2).sqrt_()
        angle = words[:, half:].float().mul_(2 * math.pi * 2.**-32)
        pair = torch.cat([radius * angle.cos(), radius * angle.sin()], 1)
        return pair[:, :count].reshape(len(self), *shape)

    def gumbel(self, *shape: int) -> Tensor:
        """(N, *shape) float32, standard Gumbel."""
        return -(-self.uniform(*shape).log()).log()

    def randint(self, high: int, *shape: int) -> Tensor:
        """(N, *shape) int64, uniform in [0, high), high at most 2^31."""
        words = self._words(math.prod(shape)) * high >> 32
        return words.view(len(self), *shape)

    def categorical(self, logits: Tensor) -> Tensor:
        """Draw from softmax(logits), by inversion; (N, ..., K) -> (N, ...)."""
        cdf = logits.float().softmax(-1).cumsum(-1)
        u = self.uniform(*logits.shape[1:-1]).unsqueeze(-1) * cdf[..., -1:]
        ids = torch.searchsorted(cdf, u, right=True).squeeze(-1)
        return ids.clamp_(max=logits.shape[-1] - 1)


def check_finite(values: Tensor, rng: SampleRng, what: str) -> None:
    """Check that values (N, ...) are finite; waits for the device.

    Args:
        values (N, ...): One row for each stream of ``rng``.
        rng: Its positions name the rows in the message.
        what: Name of the values in the message.

    Raises:
        ValueError: A row holds NaN or infinity.
    """
    finite = values.flatten(1).isfinite().all(1)
    if not finite.all():
        bad = rng.keys[~finite, 1].tolist()
        names = ', '.join(map(str, bad[:10]))
        if len(bad) > 10:
            names += ', ...'
        raise ValueError(
            f'{what} of {len(bad)} samples hold NaN or infinite values, those '
            f'with index {names}: the model has diverged. Use an earlier '
            'checkpoint.')
