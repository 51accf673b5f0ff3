"""A discrete latent code as the condition of a generator."""
import torch
from torch import Tensor, nn

from rcg.registry import MODELS
from rcg.rng import SampleRng


@MODELS.register_module()
class CodeCondition(nn.Module):
    """The mean of embeddings of the tokens; DLC (arXiv:2507.12318).

    Each of the L places has a table of its own. Its last row is the null
    token, which takes the place of all tokens of a code that is dropped.

    Args:
        num_tokens: L.
        num_codes: V.
        dim: E.
        drop_prob: Probability of the null code; 0: there is none, and no
            guidance.
        std: Of the initial embeddings; None: dim^-0.5, as published. The
            mean of L of them has a standard deviation of std / sqrt(L).
    """
    kind = 'representation'

    def __init__(self, num_tokens: int, num_codes: int, dim: int,
                 drop_prob: float = .1, std: float | None = None) -> None:
        super().__init__()
        self.rep_dim, self.rep_codes = num_tokens, num_codes
        self.drop_prob = drop_prob
        rows = num_codes + 1 if drop_prob > 0 else num_codes
        self.table = nn.EmbeddingBag(num_tokens * rows, dim, mode='mean')
        nn.init.normal_(self.table.weight, std=dim**-.5 if std is None
                        else std)
        self.register_buffer('starts', torch.arange(num_tokens) * rows,
                             persistent=False)

    def forward(self, condition: Tensor,
                rng: SampleRng | None = None) -> Tensor:
        """Embed ids (N, L) int64 -> (N, E); with ``rng``, drop some rows.

        Raises:
            ValueError: A code has not L tokens.
        """
        if condition.shape[-1] != self.rep_dim:
            raise ValueError(
                f'the generator is conditioned on codes of {self.rep_dim} '
                f'tokens, got {condition.shape[-1]}; set num_tokens of its '
                "condition to the encoder's.")
        if rng is not None and self.drop_prob > 0:
            dropped = rng.uniform(1) < self.drop_prob  # (N, 1)
            condition = condition.masked_fill(dropped, self.rep_codes)
        return self.table(condition + self.starts)

    def null(self, batch_size: int) -> Tensor:
        """The embedding of the null code, (N, E).

        Raises:
            ValueError: There is none, as ``drop_prob`` is 0.
        """
        if self.drop_prob == 0:
            raise ValueError('guidance needs a null code: train with '
                             'drop_prob > 0, or set guidance_scale=1.')
        places = (self.starts + self.rep_codes)[None]
        return self.table(places).expand(batch_size, -1)
