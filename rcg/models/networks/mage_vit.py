"""MAGE's masked transformer (arXiv:2211.09117), conditioned as in RCG.

The first half of the network is called mage_encoder, the second mage_decoder.
Token 0, in front of those of the image, carries the condition.

N batch, L tokens of an image, V kept tokens, K codes, E width of the
mage_encoder, D width of the mage_decoder.
"""
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from rcg.models.layers.chain import Chain
from rcg.models.layers.condition import build_condition_embed
from rcg.models.layers.dropout import Dropout
from rcg.models.layers.transformer import Block
from rcg.registry import MODELS


class TokenEmbedding(nn.Module):
    """Token ids (N, 1 + L) -> (N, 1 + L, E): word + position, normalised."""

    def __init__(self, vocab_size: int, num_positions: int, dim: int,
                 drop: float, std: float, position_std: float) -> None:
        super().__init__()
        self.word = nn.Embedding(vocab_size, dim)
        self.position = nn.Parameter(torch.empty(num_positions, dim))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.drop = Dropout(drop)
        nn.init.trunc_normal_(self.word.weight, std=std)
        nn.init.trunc_normal_(self.position, std=position_std)

    def forward(self, ids: Tensor) -> Tensor:
        return self.drop(self.norm(self.word(ids) + self.position))


class CodeHead(nn.Module):
    """Output of the mage_decoder (..., D) -> logits over tokens.

    If ``tied``, as published, the last matrix is that of the word embeddings,
    which get no gradient from here. Otherwise it is a matrix of the head's
    own, without which small models do not learn.
    """

    def __init__(self, decoder_dim: int, dim: int, vocab_size: int,
                 tied: bool) -> None:
        super().__init__()
        self.fc = nn.Linear(decoder_dim, dim)
        self.act = nn.GELU()
        self.norm = nn.LayerNorm(dim)
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        self.weight = None
        if not tied:
            self.weight = nn.Parameter(torch.empty(vocab_size, dim))
            nn.init.trunc_normal_(self.weight, std=.02)

    def forward(self, x: Tensor, words: Tensor, num_tokens: int) -> Tensor:
        weight = words.detach() if self.weight is None else self.weight
        return linear(self.norm(self.act(self.fc(x))), weight[:num_tokens],
                      self.bias[:num_tokens])


@MODELS.register_module()
class MAGEViT(nn.Module):
    """The mage_encoder over kept tokens, then the mage_decoder over all.

    The vocabulary is [codes | class tokens | mask token]. Of the published
    1000 class tokens, a single one is used: as token 0 of an unconditional
    model. Small models need only that one.

    Args:
        num_codes: K, size of the tokenizer's codebook.
        num_tokens: L, tokens of an image.
        encoder: ``dim`` E, ``depth`` and ``num_heads`` of the mage_encoder.
        decoder: The same of the mage_decoder, with ``dim`` D.
        condition: Config of the layer ``condition_embed``; None is
            unconditional.
        drop: Dropout on embeddings, attention, projections and MLPs.
        embedding: Initial ``std`` of the words and ``position_std`` of both
            position tables; ``tied_head``, see :class:`CodeHead`.
        class_tokens: Number of class tokens, and which of them is used;
            (1000, 76) as published.
        recompute: Of the blocks; see :class:`Chain`.
    """

    def __init__(self, num_codes: int, num_tokens: int, encoder: dict,
                 decoder: dict, condition: dict | None = None,
                 drop: float = .1, embedding: dict | None = None,
                 class_tokens: tuple[int, int] = (1000, 76),
                 recompute: bool = False) -> None:
        super().__init__()
        embedding = dict(dict(std=.02, position_std=.02, tied_head=True),
                         **embedding or {})
        std, position_std = embedding['std'], embedding['position_std']
        dim, decoder_dim = encoder['dim'], decoder['dim']
        self.num_codes, self.num_tokens = num_codes, num_tokens
        self.class_token = num_codes + class_tokens[1]
        self.mask_token = num_codes + class_tokens[0]
        vocab_size = self.mask_token + 1
        self.embed = TokenEmbedding(vocab_size, 1 + num_tokens, dim, drop,
                                    std, position_std)
        self.condition_embed = build_condition_embed(condition, dim)
        self.blocks = self._blocks(encoder, drop, recompute)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.decoder_embed = nn.Linear(dim, decoder_dim)
        self.decoder_position = nn.Parameter(
            torch.empty(1 + num_tokens, decoder_dim))
        self.decoder_blocks = self._blocks(decoder, drop, recompute)
        self.decoder_norm = nn.LayerNorm(decoder_dim, eps=1e-6)
        self.head = CodeHead(decoder_dim, dim, vocab_size,
                             embedding['tied_head'])
        nn.init.trunc_normal_(self.decoder_position, std=position_std)
        self.apply(self._init_linear)

    @staticmethod
    def _blocks(half: dict, drop: float, recompute: bool) -> Chain:
        return Chain((Block(half['dim'], half['num_heads'], drop=drop,
                            attn_drop=drop)
                      for _ in range(half['depth'])), recompute)

    @staticmethod
    def _init_linear(module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)

    def encode(self, ids: Tensor, embedding: Tensor | None = None,
               kept: Tensor | None = None) -> Tensor:
        """Encode token 0 and the tokens that are kept: (N, 1 + V, E).

        Args:
            ids (N, L): Token ids, hidden ones replaced by ``mask_token``.
            embedding (N, E): Of the condition, if any. It replaces token 0
                after norm and dropout, so neither acts on it.
            kept (N, V): Ascending places of the tokens to encode, or all.
        """
        first = ids.new_full((len(ids), 1), self.class_token)
        x = self.embed(torch.cat([first, ids], 1))  # (N, 1 + L, E)
        first, x = x[:, :1], x[:, 1:]
        if embedding is not None:
            first = embedding.unsqueeze(1).to(x.dtype)  # (N, 1, E)
        if kept is not None:
            x = x.gather(1, kept.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
        x = torch.cat([first, x], 1)  # (N, 1 + V, E)
        return self.norm(self.blocks(x))

    def decode(self, encoded: Tensor, masked: Tensor,
               kept: Tensor | None = None) -> Tensor:
        """Put token 0 in every hidden place and decode: (N, 1 + L, D).

        Args:
            encoded (N, 1 + V, E): Output of :meth:`encode`.
            masked (N, L): True = hidden; all places not kept must be hidden.
            kept (N, V): As given to :meth:`encode`.
        """
        x = self.decoder_embed(encoded)  # (N, 1 + V, D)
        first, x = x[:, :1], x[:, 1:]
        if kept is not None:
            places = kept.unsqueeze(-1).expand(-1, -1, x.shape[-1])
            x = first.expand(-1, self.num_tokens, -1).scatter(1, places, x)
        x = torch.where(masked.unsqueeze(-1), first, x)  # (N, L, D)
        x = torch.cat([first, x], 1) + self.decoder_position
        return self.decoder_norm(self.decoder_blocks(x))

    def logits(self, decoded: Tensor, num_tokens: int | None = None
               ) -> Tensor:
        """Logits (..., K) over codes, or over the first ``num_tokens`` of the
        vocabulary."""
        return self.head(decoded, self.embed.word.weight,
                         num_tokens or self.num_codes)

    def forward(self, ids: Tensor, masked: Tensor,
                embedding: Tensor | None = None,
                kept: Tensor | None = None) -> Tensor:
        """Logits (N, L, K) of all tokens, given those not masked.

        Args:
            ids (N, L): Token ids in [0, K); of no effect where ``masked``.
            masked (N, L): True = hidden.
            embedding (N, E): Of the condition, if any.
            kept (N, V): Places given to the mage_encoder; all by default.
        """
        ids = ids.masked_fill(masked, self.mask_token)
        encoded = self.encode(ids, embedding, kept)
        return self.logits(self.decode(encoded, masked, kept)[:, 1:])
