"""Which timesteps a training looks at, if not all equally often."""
import torch
from mmengine.dist import all_gather
from torch import Tensor, nn

from rcg.registry import TASK_UTILS
from rcg.rng import SampleRng


@TASK_UTILS.register_module()
class LossSecondMomentResampler(nn.Module):
    """Draws timesteps with large losses more often.

    Importance sampling of improved DDPM (arXiv:2102.09672 section 3.3): p_t
    is proportional to sqrt(E[L_t^2]), over the last losses of each timestep.
    A row's loss is weighted by 1 / (T p_t), so that the mean stays that of
    timesteps drawn evenly. They are, until each has its history.

    The history is that of all processes and is saved with the weights. It is
    the same for any number of processes, as losses enter it in the order of
    the samples. A loss that is not finite does not enter.

    Args:
        num_timesteps: T.
        history_per_term: Losses that are kept of each timestep.
        uniform_prob: Share of timesteps that are drawn evenly, in [0, 1].

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(self, num_timesteps: int, history_per_term: int = 10,
                 uniform_prob: float = .001) -> None:
        super().__init__()
        if history_per_term < 1:
            raise ValueError('history_per_term must be at least 1, got '
                             f'{history_per_term}.')
        if not 0 <= uniform_prob <= 1:
            raise ValueError('uniform_prob must be in [0, 1], got '
                             f'{uniform_prob}.')
        self.num_timesteps, self.uniform_prob = num_timesteps, uniform_prob
        # The last row takes what is not finite, and is never read: choosing
        # rows would make the host wait for the device.
        self.register_buffer(
            'history', torch.zeros(num_timesteps + 1, history_per_term))
        self.register_buffer(
            'counts', torch.zeros(num_timesteps + 1, dtype=torch.int64))

    @torch.no_grad()
    def probabilities(self) -> Tensor:
        """p_t (T,), which sum to 1."""
        size = self.history.shape[1]
        known = (self.counts[:-1] >= size).all()
        scale = self.history[:-1].square().mean(1).sqrt()
        scale = torch.where(known & (scale.sum() > 0), scale, 1.)
        even = self.uniform_prob / self.num_timesteps
        return scale / scale.sum() * (1 - self.uniform_prob) + even

    @torch.no_grad()
    def draw(self, rng: SampleRng) -> tuple[Tensor, Tensor]:
        """Draw a timestep for each stream of ``rng``, by inversion.

        Returns:
            t (N,): int64 in [0, T).
            weights (N,): 1 / (T p_t).
        """
        p = self.probabilities()
        cdf = p.cumsum(0)
        t = torch.searchsorted(cdf, rng.uniform() * cdf[-1], right=True)
        t = t.clamp_(max=self.num_timesteps - 1)
        return t, 1 / (self.num_timesteps * p[t])

    @torch.no_grad()
    def update(self, t: Tensor, losses: Tensor, rng: SampleRng) -> None:
        """Remember the losses of a batch, and of those of other processes.

        All processes call it, with batches of one size.

        Args:
            t (N,): The timesteps.
            losses (N,): Unweighted.
            rng: The streams of the rows.
        """
        bits = losses.float().view(torch.int32).long()  # one exchange, exact
        rows = torch.cat(all_gather(
            torch.stack([rng.keys[:, 1], t, bits], 1)))
        rows = rows[rows[:, 0].argsort(stable=True)]  # by position
        self._append(rows[:, 1], rows[:, 2].int().view(torch.float32))

    def _append(self, t: Tensor, losses: Tensor) -> None:
        """Let losses (N,) take the places of the oldest, in turn."""
        t = torch.where(losses.isfinite(), t, self.num_timesteps)
        t, order = t.sort(stable=True)
        losses = losses.nan_to_num(0., 0., 0.)[order]
        size, place = self.history.shape[1], torch.arange(
            len(t), device=t.device)
        first = torch.searchsorted(t, t)
        last = torch.searchsorted(t, t, right=True) - 1
        slot = (self.counts[t] + place - first) % size
        # Rows that share a slot, of a timestep with more rows than slots,
        # all write the last one's loss: so their order is of no effect.
        newest = place + (last - place) // size * size
        self.history[t, slot] = losses[newest]
        all_t = torch.arange(len(self.counts), device=t.device)
        self.counts += (torch.searchsorted(t, all_t, right=True)
                        - torch.searchsorted(t, all_t))
