"""A vision transformer of timm as denoiser of pixels or latents."""
import timm
from torch import Tensor, nn
from torch.nn import functional as F

from rcg.models.layers.embeddings import timestep_embedding
from rcg.registry import MODELS


@MODELS.register_module()
class TimmDenoiser(nn.Module):
    """Predicts the noise (or x_0, or v) with a transformer of timm.

    The embeddings of time and condition are added to every token.

    Args:
        model: Name of a vision transformer in timm.
        input_size: Height and width of the input, a multiple of
            ``patch_size``.
        patch_size: Height and width of the patch that becomes a token.
        in_channels: Channels C of the input and of the prediction.
        condition: Config of the layer that embeds the condition, without
            ``dim``; None for an unconditional generator.
        **kwargs: Passed to the transformer, such as ``depth``.
    """

    def __init__(self, model: str, input_size: int, patch_size: int,
                 in_channels: int, condition: dict | None = None,
                 **kwargs) -> None:
        super().__init__()
        self.input_size, self.patch_size = input_size, patch_size
        self.in_channels = self.out_channels = in_channels
        self.vit = timm.create_model(
            model, img_size=input_size, patch_size=patch_size,
            in_chans=in_channels, num_classes=0, class_token=False,
            global_pool='', **kwargs)
        dim = self.vit.embed_dim
        self.time_embed = nn.Linear(dim, dim)
        self.condition_embed = None
        if condition is not None:
            self.condition_embed = MODELS.build(
                dict(condition, dim=dim))
        self.head = nn.Linear(dim, in_channels * patch_size**2)

    def forward(self, x: Tensor, t: Tensor,
                embedding: Tensor | None = None) -> Tensor:
        """The prediction (N, C, H, W).

        Args:
            x (N, C, H, W): Noisy images or latents.
            t (N,): Timesteps.
            embedding (N, E): What ``condition_embed`` returned.
        """
        added = self.time_embed(timestep_embedding(t, self.vit.embed_dim))
        if embedding is not None:
            added = added + embedding
        tokens = self.vit.patch_embed(x) + self.vit.pos_embed  # (N, L, E)
        tokens = self.vit.blocks(tokens + added[:, None])
        patches = self.head(self.vit.norm(tokens))  # (N, L, C * p * p)
        return F.fold(patches.transpose(1, 2), self.input_size,
                      self.patch_size, stride=self.patch_size)
