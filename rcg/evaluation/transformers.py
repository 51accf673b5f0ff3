"""DINOv2 and CLIP, as they were published, as feature extractors."""
import torch
import torch.nn.functional as F
from torch import Tensor

from rcg.checkpoint import CheckpointError, load_state_dict
from rcg.evaluation.published import PublishedNetwork
from rcg.registry import FEATURE_EXTRACTORS


class _Normalized(PublishedNetwork):
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """``features`` (N, D) of uint8 images (N, 3, H, W)."""
        mean, std = images.new_tensor(
            [self.mean, self.std], dtype=torch.float32)[..., None, None]
        return {'features': self.network((self.resized(images) - mean) / std)}


@FEATURE_EXTRACTORS.register_module()
class DINOv2(_Normalized):
    """DINOv2's class token (arXiv:2304.07193), for FD-DINOv2.

    The published protocol (arXiv:2306.04675) takes ViT-L/14 and bicubic,
    antialiased images of 224x224. Weights of ViT-S and ViT-B work, too.
    Arguments: see :class:`PublishedNetwork`.
    """
    url = ('https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/'
           'dinov2_vitl14_pretrain.pth')
    published_sha256 = (
        'd5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428')
    input_size = 224
    mean, std = (.485, .456, .406), (.229, .224, .225)

    def build(self, state: dict[str, Tensor]) -> None:
        import timm  # takes two seconds
        state.pop('mask_token', None)
        width = state.get('cls_token', torch.empty(0)).shape[-1]
        size = {384: 'small', 768: 'base', 1024: 'large'}.get(width)
        if size is None or 'pos_embed' not in state:
            raise CheckpointError(
                f"'{self.path}' holds no DINOv2 of ViT-S, B or L (class "
                f'token of width {width}). Get {self.url}')
        self.network = timm.create_model(f'vit_{size}_patch14_dinov2',
                                         img_size=224, num_classes=0)
        state['pos_embed'] = _resampled(state['pos_embed'], 16)
        load_state_dict(self.network, state, self.path)


def _resampled(embedding: Tensor, side: int) -> Tensor:
    """Position embedding (1, 1 + n * n, D) for side x side patches.

    As the published code does, whose scale of (side + .1) / n shifts the
    grid a little; timm's filter gives other features.
    """
    first, grid = embedding[:, :1], embedding[:, 1:]
    n = round(grid.shape[1]**.5)
    if n != side:
        grid = F.interpolate(grid.unflatten(1, (n, n)).permute(0, 3, 1, 2),
                             scale_factor=(side + .1) / n, mode='bicubic')
        grid = grid.flatten(2).mT
    return torch.cat([first, grid], 1)


@FEATURE_EXTRACTORS.register_module()
class CLIP(_Normalized):
    """CLIP's image embeddings (arXiv:2103.00020), not normalized.

    By default ViT-L/14 at 336 pixels. Any file that OpenAI published gives
    its own network, and so does a state dict with its names. Arguments: see
    :class:`PublishedNetwork`.
    """
    published_sha256 = (
        '3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02')
    url = ('https://openaipublic.azureedge.net/clip/models/'
           f'{published_sha256}/ViT-L-14-336px.pt')
    mean = (.48145466, .4578275, .40821073)
    std = (.26862954, .26130258, .27577711)

    def weights(self) -> dict[str, Tensor]:
        from torch_fidelity.feature_extractor_clip import MODEL_METADATA

        # OpenAI's are programs. They may run if they are truly OpenAI's.
        if self.sha256 in {m['hash'] for m in MODEL_METADATA.values()}:
            return torch.jit.load(self.path, 'cpu').state_dict()
        return super().weights()

    def build(self, state: dict[str, Tensor]) -> None:
        from torch_fidelity.feature_extractor_clip import build_model
        try:
            self.network = build_model(dict(state), torch.float32).visual
        except (LookupError, RuntimeError, ValueError) as error:
            raise CheckpointError(
                f"'{self.path}' holds no CLIP with OpenAI's names "
                f'({str(error)[:200]}). Get {self.url}') from error
        self.input_size = self.network.input_resolution
