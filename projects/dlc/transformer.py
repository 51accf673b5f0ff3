"""A small bidirectional transformer over codes, some tokens of them hidden.

N batch, L tokens, V codes, D width.
"""
import torch
from torch import Tensor, nn

from rcg.models.layers.chain import Chain
from rcg.models.layers.transformer import Block
from rcg.registry import MODELS

from .process import HIDDEN


@MODELS.register_module()
class CodeTransformer(nn.Module):
    """Predicts all tokens from those that are not hidden.

    It does not read the time: what is hidden says it all, given the rest
    (arXiv:2406.03736).

    Args:
        num_tokens: L.
        num_codes: V.
        dim: D.
        depth: Number of blocks.
        num_heads: Of the attention.
        drop: Dropout in the blocks.
        tables: Tables of embeddings: 'shared' by all places, or one for
            'each'. A code of a place has no meaning in another one, but a
            shared table has fewer parameters.
        context_dim: Width of a context, such as a label's embedding; None:
            there is none.
        recompute: Of the blocks; see :class:`Chain`.

    Raises:
        ValueError: ``tables`` has another value.
    """

    def __init__(self, num_tokens: int, num_codes: int, dim: int = 256,
                 depth: int = 6, num_heads: int = 4, drop: float = 0.,
                 tables: str = 'shared', context_dim: int | None = None,
                 recompute: bool = False) -> None:
        super().__init__()
        if tables not in ('shared', 'each'):
            raise ValueError(f"tables must be 'shared' or 'each', got "
                             f'{tables!r}.')
        self.num_tokens, self.num_codes = num_tokens, num_codes
        self.context_dim = context_dim
        rows = num_codes + 1  # the last one is that of a hidden token
        places = num_tokens if tables == 'each' else 1
        self.word = nn.Embedding(places * rows, dim)
        self.register_buffer('starts', torch.arange(places) * rows,
                             persistent=False)
        self.position = nn.Parameter(torch.empty(num_tokens, dim))
        self.context_proj = None
        if context_dim is not None:
            self.context_proj = nn.Linear(context_dim, dim)
        self.blocks = Chain((Block(dim, num_heads, drop=drop)
                             for _ in range(depth)), recompute)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, num_codes)
        for table in self.word.weight, self.position:
            nn.init.normal_(table, std=.5)
        self.apply(self._init)

    @staticmethod
    def _init(module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)

    @property
    def rep_dim(self) -> int:
        """L."""
        return self.num_tokens

    def forward(self, x: Tensor, t: Tensor | None = None,
                context: Tensor | None = None) -> Tensor:
        """Logits (N, L, V) of all tokens.

        Args:
            x (N, L): Ids in [0, V), or HIDDEN.
            t: Of no use.
            context (N, C): If the network takes one.
        """
        ids = x.masked_fill(x == HIDDEN, self.num_codes) + self.starts
        x = self.word(ids) + self.position  # (N, L, D)
        if context is not None:
            x = x + self.context_proj(context).unsqueeze(1)
        return self.head(self.norm(self.blocks(x)))
