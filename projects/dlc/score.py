"""SEDD, the published prior: it learns scores of tokens (arXiv:2310.16834).

The score of a token v in a hidden place is a ratio of probabilities: that the
code has v there, over that the place is hidden. After noise sigma it is
p(v) / (e^sigma - 1), where p(v) is the probability of v given the known
tokens. The network here gives log p(v), as :class:`CodeTransformer` does, but
nothing makes its p sum to 1. A sampler that uses the sum, and a loss that
teaches it, are what is different; see :class:`ScoreSampler` and
:class:`ScoreEntropyDiffusion`.

N batch, L tokens, V codes, D width.
"""
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from rcg.models.layers.chain import Chain
from rcg.models.layers.embeddings import timestep_embedding
from rcg.models.layers.rotary import rotary_line
from rcg.models.layers.transformer import Attention, zero
from rcg.models.networks.dit_blocks import modulate, steer
from rcg.registry import MODELS, TASK_UTILS
from rcg.rng import SampleRng

from .process import HIDDEN, AbsorbingDiffusion

_FREQUENCIES = 256  # of the embedding of sigma


@MODELS.register_module()
class ScoreTransformer(nn.Module):
    """The network of SEDD: a bidirectional transformer that reads the noise.

    Args:
        num_tokens: L.
        num_codes: V.
        dim: D.
        depth: Number of blocks.
        num_heads: Of the attention; each has an even number of channels.
        time_dim: Width of the embedding of the noise level.
        drop: Dropout of what each branch adds.
        context_dim: Width of a context, such as a label's embedding; None:
            there is none.
        recompute: Of the blocks; see :class:`Chain`.
    """

    def __init__(self, num_tokens: int, num_codes: int, dim: int = 768,
                 depth: int = 12, num_heads: int = 12, time_dim: int = 128,
                 drop: float = 0., context_dim: int | None = None,
                 recompute: bool = False) -> None:
        super().__init__()
        self.num_tokens, self.num_codes = num_tokens, num_codes
        self.context_dim = context_dim
        # The last row is that of a hidden token.
        self.word = nn.Parameter(torch.empty(num_codes + 1, dim))
        self.position = nn.Parameter(torch.empty(num_tokens, dim))
        for table in self.word, self.position:
            nn.init.kaiming_uniform_(table, a=math.sqrt(5))
        self.time_embed = nn.Sequential(
            nn.Linear(_FREQUENCIES, time_dim), nn.SiLU(),
            nn.Linear(time_dim, time_dim))
        self.context_proj = None
        if context_dim is not None:
            self.context_proj = nn.Linear(context_dim, time_dim)
        self.blocks = Chain((_Block(dim, num_heads, time_dim, drop)
                             for _ in range(depth)), recompute)
        self.norm = nn.LayerNorm(dim, bias=False)
        self.modulation = zero(nn.Linear(time_dim, 2 * dim))
        self.head = zero(nn.Linear(dim, num_codes))
        self.register_buffer('rotary', rotary_line(
            dim // num_heads, num_tokens), persistent=False)

    @property
    def rep_dim(self) -> int:
        """L."""
        return self.num_tokens

    def forward(self, x: Tensor, sigma: Tensor,
                context: Tensor | None = None) -> Tensor:
        """Logarithms (N, L, V) of p, which need not sum to 1.

        Args:
            x (N, L): Ids in [0, V), or HIDDEN.
            sigma (N,): Noise so far; a token is known with the probability
                e^-sigma.
            context (N, C): If the network takes one.
        """
        ids = x.masked_fill(x == HIDDEN, self.num_codes)
        c = self.time_embed(timestep_embedding(sigma, _FREQUENCIES))
        if context is not None:
            c = c + self.context_proj(context)
        c = silu(c)
        x = self.blocks(self.word[ids] + self.position, c, self.rotary)
        shift, scale = steer(self.modulation, c, 2)
        x = self.head(modulate(self.norm(x), shift, scale))
        return x - math.log(self.num_codes)


class _Block(nn.Module):
    """Transformer block steered by adaLN-zero; (N, L, D) -> (N, L, D)."""

    def __init__(self, dim: int, num_heads: int, time_dim: int,
                 drop: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, bias=False)
        self.attn = Attention(dim, num_heads, proj_bias=False)
        self.norm2 = nn.LayerNorm(dim, bias=False)
        self.mlp = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(approximate='tanh'),
            nn.Linear(4 * dim, dim))
        self.drop = nn.Dropout(drop)
        self.modulation = zero(nn.Linear(time_dim, 6 * dim))

    def forward(self, x: Tensor, c: Tensor, rotary: Tensor) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = steer(
            self.modulation, c, 6)
        y = self.attn(modulate(self.norm1(x), shift1, scale1), rotary)
        x = x + gate1 * self.drop(y)
        y = self.mlp(modulate(self.norm2(x), shift2, scale2))
        return x + gate2 * self.drop(y)


class LogLinearNoise:
    """The share of hidden tokens grows with t, up to 1 - ``known``.

    Args:
        known: Share of tokens that are known at t = 1.

    Raises:
        ValueError: It is not in (0, 1).
    """

    def __init__(self, known: float) -> None:
        if not 0 < known < 1:
            raise ValueError(f'known must be in (0, 1), got {known}.')
        self.known = known

    def hidden(self, t: Tensor) -> Tensor:
        """The share at times in [0, 1]."""
        return (1 - self.known) * t

    def weight(self, t: Tensor) -> Tensor:
        """The slope of the share over the share; see MaskSchedule."""
        return 1 / t

    def sigma(self, t: Tensor) -> Tensor:
        """Noise so far: the share of known tokens is e^-sigma."""
        return -torch.log1p(-self.hidden(t))


@TASK_UTILS.register_module()
class ScoreEntropyDiffusion(AbsorbingDiffusion):
    """The absorbing process with SEDD's loss; its denoiser takes sigma.

    Args:
        known: Share of tokens that are known at t = 1.
        first: Least time of the loss; times are uniform from it to 1.
    """

    def __init__(self, known: float = 1e-3, first: float = 1e-3) -> None:
        self.schedule, self.first = LogLinearNoise(known), first

    def loss(self, denoiser, ids: Tensor, rng: SampleRng
             ) -> dict[str, Tensor]:
        """Denoising score entropy of codes (N, L), in nats a code.

        The bound of SEDD (arXiv:2310.16834, diffusion weighted denoising
        score entropy) at a random time. In the terms of this module a hidden
        token costs sum p - 1 - log p(token): its cross entropy, and a price
        for a sum that is not 1. Tokens are summed, as in the published code:
        the clipping of gradients depends on that.

        Returns:
            ``loss_code``, and ``token_accuracy`` on hidden tokens.
        """
        t = self.first + (1 - self.first) * rng.uniform()
        x_t = self.add_noise(ids, t, rng)
        logs = denoiser(x_t, self.schedule.sigma(t)).float()  # (N, L, V)
        own = logs.gather(2, ids.unsqueeze(2)).squeeze(2)
        error = logs.exp().sum(2) - 1 - own  # (N, L)
        masked = x_t == HIDDEN
        right = (logs.argmax(2) == ids) & masked
        cost = self.schedule.weight(t) * (error * masked).sum(1)
        return dict(loss_code=cost.mean(),
                    token_accuracy=right.sum() / masked.sum().clamp(min=1))

    def denoise(self, denoiser, x_t: Tensor, time: float) -> Tensor:
        """log p (N, L, V) of the tokens of x_t (N, L), all at ``time``."""
        t = torch.full((1, ), time, device=x_t.device)
        sigma = self.schedule.sigma(t)
        return denoiser(x_t, sigma.expand(len(x_t))).float()
