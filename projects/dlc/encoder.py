"""Encoders whose representation is a discrete latent code.

N batch, L tokens, V codes that a token is one of.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rcg.models.encoders import Encoder, TimmEncoder
from rcg.registry import ENCODERS
from rcg.rng import SampleRng


@ENCODERS.register_module()
class SimplicialEncoder(Encoder):
    """Simplicial embeddings (arXiv:2204.00616) on any encoder.

    A linear layer and LayerNorm turn what an encoder projects into L times V
    logits. Under a loss (:meth:`project`) each token is their softmax. As a
    frozen part the encoder gives the best code of each token, the discrete
    latent code (DLC, arXiv:2507.12318).

    Args:
        encoder: Config of the encoder. Where it has a projector, that comes
            first, unless its ``with_projector`` is False.
        num_tokens: L.
        num_codes: V.
        temperature: Divides the logits before the softmax. The lower it is,
            the nearer are tokens under the loss to those of the frozen part.
        out_dim: Width of what :meth:`project` gives, a linear map of the
            tokens.

    Raises:
        ValueError: A number is out of range.
    """
    compiled_children = ()  # those of the encoder

    def __init__(self, encoder: dict, num_tokens: int, num_codes: int,
                 temperature: float = 1., out_dim: int = 64) -> None:
        super().__init__(standardize=False)
        if num_tokens < 1 or num_codes < 2 or not temperature > 0:
            raise ValueError(
                'num_tokens must be at least 1, num_codes at least 2 and '
                f'temperature above 0, got {num_tokens}, {num_codes} and '
                f'{temperature}.')
        self.backbone = ENCODERS.build(encoder)
        self.feature_dim = self.backbone.project_dim
        self.num_tokens, self.rep_codes = num_tokens, num_codes
        self.temperature = temperature
        width = num_tokens * num_codes
        self.sem_embed = nn.Linear(self.feature_dim, width, bias=False)
        self.sem_norm = nn.LayerNorm(width, eps=1e-6)
        self.sem_out = nn.Linear(width, out_dim, bias=False)

    @property
    def rep_dim(self) -> int:
        """L."""
        return self.num_tokens

    @property
    def project_dim(self) -> int:
        """Width of what :meth:`project` gives."""
        return self.sem_out.out_features

    def logits(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> logits (N, L, V), float32."""
        x = self.backbone.project(images)
        return self.sem_norm(self.sem_embed(x)).float().unflatten(
            1, (self.num_tokens, self.rep_codes))

    def project(self, images: Tensor) -> Tensor:
        """What a self-supervised loss takes; (N, 3, H, W) -> (N, out_dim)."""
        tokens = (self.logits(images) / self.temperature).softmax(-1)
        return self.sem_out(tokens.flatten(1))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> token ids (N, L), int64 in [0, V)."""
        return self.logits(images).argmax(-1)

    def vectors(self, representations: Tensor) -> Tensor:
        """(N, L) ids -> (N, L V): squared distances count other tokens."""
        tokens = F.one_hot(representations, self.rep_codes)  # (N, L, V)
        return tokens.flatten(1) * .5**.5

    def between(self, first: Tensor, last: Tensor, weight: Tensor) -> Tensor:
        """The share ``weight`` of the tokens from ``last``.

        Which ones come first is a random order of the places, always the
        same: on the way from one code to another, a token changes once.
        """
        rng = SampleRng.from_seed(0, [0], first.device)
        ranks = rng.uniform(self.num_tokens).argsort(1).argsort(1)  # (1, L)
        changed = (weight * self.num_tokens).round()  # (N, 1)
        return torch.where(ranks < changed, last, first)


@ENCODERS.register_module()
class PrefixTokens(TimmEncoder):
    """Class and register tokens of a ViT of timm, before its last norm.

    What the published head reads, of a DINOv2 with four registers.

    Args:
        model, pretrained, input_size: See :class:`TimmEncoder`.

    Raises:
        ValueError: The model is no ViT with such tokens; and see
            :class:`TimmEncoder`.
    """

    def __init__(self, model: str, pretrained: bool | str = True,
                 input_size: int | None = None) -> None:
        super().__init__(model, pretrained, False, input_size)
        count = getattr(self.backbone, 'num_prefix_tokens', 0)
        if not count or not hasattr(self.backbone, 'norm'):
            raise ValueError(f"'{model}' has no class token; choose a vision "
                             'transformer that has one.')
        self.backbone.norm = nn.Identity()
        self.feature_dim = count * self.backbone.embed_dim

    def features(self, x: Tensor) -> Tensor:
        tokens = self.backbone.forward_features(x)  # (N, prefix + patches, D)
        return tokens[:, :self.backbone.num_prefix_tokens].flatten(1)
