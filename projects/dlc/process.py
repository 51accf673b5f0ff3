"""The absorbing process: tokens are hidden one by one, and never changed.

Time t runs from 0 (a code) to 1 (all tokens are hidden). ``HIDDEN`` stands in
the place of a hidden token.

N batch, L tokens, V codes.
"""
import math

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from rcg.registry import TASK_UTILS
from rcg.rng import SampleRng

HIDDEN = -1  # no code has this number
SCHEDULES = 'linear', 'cosine'


class MaskSchedule:
    """The share of tokens that are hidden at a time, 1 - alpha(t) in MDLM.

    Args:
        name: 'linear': t, called log-linear after its noise level in SEDD
            (arXiv:2310.16834). 'cosine': sin(pi t / 2), of MaskGIT
            (arXiv:2202.04200).

    Raises:
        ValueError: There is no such schedule.
    """

    def __init__(self, name: str) -> None:
        if name not in SCHEDULES:
            raise ValueError(f'schedule must be one of {SCHEDULES}, got '
                             f'{name!r}.')
        self.name = name

    def hidden(self, t: Tensor) -> Tensor:
        """The share at times in [0, 1]."""
        return t if self.name == 'linear' else (t * math.pi / 2).sin()

    def weight(self, t: Tensor) -> Tensor:
        """-alpha'(t) / (1 - alpha(t)) at times in (0, 1].

        It makes the loss a bound: MDLM (arXiv:2406.07524) equation 10.
        """
        if self.name == 'linear':
            return 1 / t
        return math.pi / 2 / (t * math.pi / 2).tan()


@TASK_UTILS.register_module()
class AbsorbingDiffusion:
    """Masked discrete diffusion: D3PM's absorbing state, in continuous time.

    D3PM (arXiv:2107.03006), in the form of MDLM (arXiv:2406.07524). Its
    denoiser takes (x_t, t) and gives logits (N, L, V).

    Args:
        schedule: Name of a :class:`MaskSchedule`.
    """

    def __init__(self, schedule: str = 'linear') -> None:
        self.schedule = MaskSchedule(schedule)

    def add_noise(self, ids: Tensor, t: Tensor, rng: SampleRng) -> Tensor:
        """Draw x_t (N, L) from ids (N, L), at times (N,) in [0, 1]."""
        share = self.schedule.hidden(t).unsqueeze(1)
        return ids.masked_fill(rng.uniform(ids.shape[1]) < share, HIDDEN)

    def loss(self, denoiser, ids: Tensor, rng: SampleRng
             ) -> dict[str, Tensor]:
        """The negative evidence lower bound of codes (N, L), in nats a token.

        At a random time of each code, MDLM (arXiv:2406.07524) equation 10.

        Returns:
            ``loss_tokens``, and ``token_accuracy`` on hidden tokens.
        """
        t = rng.uniform()
        x_t = self.add_noise(ids, t, rng)
        logits = denoiser(x_t, t).float()  # (N, L, V)
        error = cross_entropy(logits.flatten(0, 1), ids.flatten(),
                              reduction='none').view_as(ids)  # (N, L)
        masked = x_t == HIDDEN
        right = (logits.argmax(-1) == ids) & masked
        bound = self.schedule.weight(t) * (error * masked).mean(1)  # (N,)
        return dict(loss_tokens=bound.mean(),
                    token_accuracy=right.sum() / masked.sum().clamp(min=1))

    def denoise(self, denoiser, x_t: Tensor, time: float) -> Tensor:
        """Logits (N, L, V) of the tokens of x_t (N, L), all at ``time``."""
        t = torch.full((1, ), time, device=x_t.device).expand(len(x_t))
        return denoiser(x_t, t).float()
