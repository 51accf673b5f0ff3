"""Random numbers that depend on a sample alone, not on its batch.

Every image, in training and in sampling, owns a stream that is a function of
(seed, position): its place in the stream of training samples, or its index
among the images to generate. So a set of images does not depend on the
number of processes or the batch size, two processes with half the batch draw
what one draws with the whole, and a resumed run needs no generator state.

The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3", SC 2011), written as integer arithmetic on whole batches: no
loop over images, the same integers on a CPU and on a GPU.
"""
import math

import numpy as np
import torch
from torch import Tensor

_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_WEYL = 0x9E3779B9, 0xBB67AE85
_LOW = 0xFFFFFFFF


def philox4x32(counter: list, key: list) -> list:
    """Ten rounds of Philox4x32; words are integers in [0, 2^32).

    They are int64 tensors or uint64 arrays: what overflows is cut off.

    Args:
        counter: Four words that broadcast together.
        key: Two words that broadcast with the counter.

    Returns:
        Four random words.
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


class SampleRng:
    """One random stream for each row of a batch.

    Draws advance all streams together: the n-th draw of a row is the same
    whatever the other rows are. Two parts that are given the same object
    continue the streams and so never see the same numbers.

    Args:
        keys (N, 2): Seed and position of each row, int64, non-negative.
    """

    def __init__(self, keys: Tensor) -> None:
        if keys.ndim != 2 or keys.shape[1] != 2 or keys.dtype != torch.int64:
            raise ValueError('keys must be (N, 2) int64 of (seed, position), '
                             f'got {tuple(keys.shape)} {keys.dtype}.')
        self.keys = keys
        self.num_draws = 0

    @classmethod
    def from_seed(cls, seed: int, positions, device=None) -> 'SampleRng':
        """Streams of one seed at the given positions (a sequence of ints)."""
        positions = torch.as_tensor(positions, dtype=torch.int64,
                                    device=device)
        return cls(torch.stack(
            [torch.full_like(positions, seed), positions], 1))

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def device(self) -> torch.device:
        return self.keys.device

    def _words(self, count: int) -> Tensor:  # (N, count) int64 in [0, 2^32)
        keys, place = self.keys, torch.arange(-(-count // 4),
                                              device=self.device)
        if keys.device.type == 'cpu':
            # The same integers; NumPy's small operations cost less.
            keys, place = (x.numpy().view(np.uint64) for x in (keys, place))
        low, high = keys & _LOW, (keys >> 32) & _LOW
        words = philox4x32(
            [place, place * 0 + self.num_draws, high[:, 1:], high[:, :1]],
            [low[:, :1], low[:, 1:]])
        self.num_draws += 1
        if isinstance(place, np.ndarray):
            words = torch.from_numpy(np.stack(words, -1).view(np.int64))
        else:
            words = torch.stack(words, -1)
        return words.flatten(1)[:, :count]

    def uniform(self, *shape: int) -> Tensor:
        """(N, *shape) float32, uniform in (0, 1): never 0, never 1."""
        words = self._words(math.prod(shape)) >> 9  # 23 bits
        return (words.float() + .5).mul_(2.**-23).view(len(self), *shape)

    def normal(self, *shape: int) -> Tensor:
        """(N, *shape) float32, standard normal (Box-Muller)."""
        count = math.prod(shape)
        half = -(-count // 2)
        words = self._words(2 * half)
        # 32 bits for the radius, so that the tail reaches 6.7 sigma.
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
        """Draw from softmax(logits) by inversion, one uniform a draw.

        Args:
            logits (N, ..., K): Unnormalised log probabilities.

        Returns:
            (N, ...): Indices, int64 in [0, K).
        """
        cdf = logits.float().softmax(-1).cumsum(-1)
        u = self.uniform(*logits.shape[1:-1]).unsqueeze(-1) * cdf[..., -1:]
        ids = torch.searchsorted(cdf, u, right=True).squeeze(-1)
        return ids.clamp_(max=logits.shape[-1] - 1)


def check_finite(values: Tensor, rng: SampleRng, what: str) -> None:
    """Refuse NaN and infinity in values (N, ...); waits for the device.

    Raises:
        ValueError: Names the positions of the rows that hold any.
    """
    finite = values.flatten(1).isfinite().all(1)
    if not finite.all():
        bad = rng.keys[~finite, 1].tolist()
        raise ValueError(
            f'{what} of {len(bad)} samples hold NaN or infinite values, those '
            f'with index {", ".join(map(str, bad[:10]))}'
            f'{", ..." * (len(bad) > 10)}: the model has diverged. Use an '
            'earlier checkpoint.')
