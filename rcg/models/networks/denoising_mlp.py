"""The RDM's network: a residual MLP over representation vectors.

RCG (arXiv:2312.03701) section 3.2 and figure 4. N batch, D representation,
W width, H hidden width of a block, E time embedding, C context.
"""
import torch
from torch import Tensor, nn

from rcg.models.layers.embeddings import timestep_embedding
from rcg.models.layers.transformer import zero
from rcg.registry import MODELS


class DenoisingBlock(nn.Module):
    """Residual block: (N, W) -> (N, W), given the time and a context.

    The embedding of the time and the context are added to the hidden
    values (N, H).
    """

    def __init__(self, width: int, hidden_dim: int, time_dim: int,
                 context_dim: int | None = None) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, hidden_dim)
        self.time_proj = nn.Linear(time_dim, hidden_dim)
        self.context_proj = None
        if context_dim is not None:
            self.context_proj = nn.Linear(context_dim, hidden_dim)
        self.norm2 = nn.LayerNorm(hidden_dim)
        # Zero, so that the block starts as the identity.
        self.fc2 = zero(nn.Linear(hidden_dim, width))
        self.act = nn.SiLU()

    def shifts(self, time: Tensor, context: Tensor | None = None
               ) -> list[Tensor]:
        """What is added to the hidden values: that of the time (N, H) and, if
        the block takes one, that of the context (N, H)."""
        found = [self.time_proj(self.act(time))]
        if self.context_proj is not None:
            found.append(self.context_proj(self.act(context)))
        return found

    def forward(self, x: Tensor, shifts: list[Tensor]) -> Tensor:
        h = self.fc1(self._activate(self.norm1(x)))  # (N, H)
        for shift in shifts:
            h.add_(shift)
        return self.fc2(self._activate(self.norm2(h))).add_(x)

    def _activate(self, x: Tensor) -> Tensor:
        # A new tensor costs a small batch as much as the numbers in it. With
        # gradients, the backward pass needs the old one.
        return nn.functional.silu(x, inplace=not torch.is_grad_enabled())


@MODELS.register_module()
class DenoisingMLP(nn.Module):
    """Denoiser of vectors: (x_t, t[, context]) -> predicted noise, x_0 or v.

    Args:
        rep_dim: D, width of the representation.
        width: W, width of the residual stream.
        num_blocks: Number of residual blocks.
        time_dim: E, width of the time embedding; by default D, as published.
        context_dim: C, width of a context (the label embedding of a
            class-conditional RDM); None for an unconditional one.
        hidden_dim: H, hidden width of a block; by default W, as published.
    """

    def __init__(self, rep_dim: int, width: int = 1536, num_blocks: int = 12,
                 time_dim: int | None = None,
                 context_dim: int | None = None,
                 hidden_dim: int | None = None) -> None:
        super().__init__()
        time_dim = rep_dim if time_dim is None else time_dim
        hidden_dim = width if hidden_dim is None else hidden_dim
        self.rep_dim, self.context_dim = rep_dim, context_dim
        self.width = width
        self.time_embed = nn.Sequential(nn.Linear(width, time_dim), nn.SiLU(),
                                        nn.Linear(time_dim, time_dim))
        self.input_proj = nn.Linear(rep_dim, width)
        self.blocks = nn.ModuleList(
            DenoisingBlock(width, hidden_dim, time_dim, context_dim)
            for _ in range(num_blocks))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.act = nn.SiLU()
        self.output_proj = zero(nn.Linear(width, rep_dim))

    # Layers that shifts() calls alone.
    of_shifts = ('time_embed', 'time_proj', 'context_proj')

    def shifts(self, t: Tensor, context: Tensor | None = None
               ) -> tuple[Tensor, ...]:
        """What the blocks add, of B blocks; independent of noisy data.

        Args:
            t (S,): Timesteps; all that a sampler visits, for example.
            context (N, C): See :meth:`forward`.

        Returns:
            That of the timesteps (B, S, H) and, if ``context_dim`` is set,
            that of the context (B, N, H).
        """
        time = self.time_embed(timestep_embedding(t, self.width))  # (S, E)
        blocks = [block.shifts(time, context) for block in self.blocks]
        return tuple(map(torch.stack, zip(*blocks, strict=True)))

    def forward(self, x: Tensor, t: Tensor | None = None,
                context: Tensor | None = None,
                shifts: tuple[Tensor, ...] | None = None) -> Tensor:
        """Predict noise, x_0 or v (N, D), as the diffusion was told to.

        Args:
            x (N, D): Noisy representations.
            t (N,): Timesteps, integers or fractions.
            context (N, C): Required if ``context_dim`` is set, else unused.
            shifts: In place of ``t`` and ``context``: what :meth:`shifts`
                gave, (B, N, H) each, or (B, 1, H) for all rows.
        """
        if shifts is None:
            if t.stride(0) == 0:  # one timestep for all rows
                t = t[:1]
            # (N, E) or (1, E)
            time = self.time_embed(timestep_embedding(t, self.width))
        h = self.input_proj(x)  # (N, W)
        for i, block in enumerate(self.blocks):
            h = block(h, block.shifts(time, context) if shifts is None else
                      [shift[i] for shift in shifts])
        return self.output_proj(self.act(self.norm(h)))  # (N, D)
