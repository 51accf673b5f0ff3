"""Transformers as extractors: DINOv2 and CLIP."""
import torch
import torch.nn.functional as F
from torch import Tensor

from rcg.checkpoint import load_state_dict
from rcg.evaluation.extractors.pretrained import PretrainedExtractor
from rcg.registry import FEATURE_EXTRACTORS


@FEATURE_EXTRACTORS.register_module()
class DINOv2(PretrainedExtractor):
    """DINOv2's class token (arXiv:2304.07193), for FD-DINOv2.

    The protocol of FD-DINOv2 (arXiv:2306.04675) takes ViT-L/14 and bicubic,
    antialiased images. Weights of ViT-S and ViT-B work, too.
    """
    kind = 'DINOv2 of ViT-S, B or L'
    url = ('https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/'
           'dinov2_vitl14_pretrain.pth')
    url_sha256 = (
        'd5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428')
    input_size = 224
    mean, std = (.485, .456, .406), (.229, .224, .225)

    def build(self, state: dict[str, Tensor]) -> None:
        import timm  # takes two seconds
        state.pop('mask_token', None)
        width = state.get('cls_token', torch.empty(0)).shape[-1]
        size = {384: 'small', 768: 'base', 1024: 'large'}.get(width)
        if size is None or 'pos_embed' not in state:
            raise ValueError(f'class token of width {width}')
        self.network = timm.create_model(f'vit_{size}_patch14_dinov2',
                                         img_size=224, num_classes=0)
        state['pos_embed'] = _resampled(state['pos_embed'], 16)
        load_state_dict(self.network, state, self.path)


def _resampled(embedding: Tensor, side: int) -> Tensor:
    """Position embedding (1, 1 + n * n, D) for side x side patches."""
    # DINOv2's own code shifts by .1; timm's filter gives other features.
    n = round((embedding.shape[1] - 1)**.5)
    if n == side:
        return embedding
    grid = embedding[:, 1:].unflatten(1, (n, n)).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, scale_factor=(side + .1) / n, mode='bicubic')
    return torch.cat([embedding[:, :1], grid.flatten(2).mT], 1)


@FEATURE_EXTRACTORS.register_module()
class CLIP(PretrainedExtractor):
    """CLIP's image embeddings (arXiv:2103.00020), not normalized.

    By default of ViT-L/14 at 336 pixels; another file of OpenAI's, or a state
    dict with its names, gives its own network.
    """
    kind = "CLIP with OpenAI's names"
    url_sha256 = (
        '3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02')
    url = ('https://openaipublic.azureedge.net/clip/models/'
           f'{url_sha256}/ViT-L-14-336px.pt')
    mean = (.48145466, .4578275, .40821073)
    std = (.26862954, .26130258, .27577711)

    def weights(self) -> dict[str, Tensor]:
        from torch_fidelity.feature_extractor_clip import MODEL_METADATA

        # OpenAI's files are TorchScript, which runs code when it is loaded.
        # Only files whose hash is OpenAI's may.
        if self.sha256 in {m['hash'] for m in MODEL_METADATA.values()}:
            return torch.jit.load(self.path, 'cpu').state_dict()
        return super().weights()

    def build(self, state: dict[str, Tensor]) -> None:
        from torch_fidelity.feature_extractor_clip import build_model
        self.network = build_model(dict(state), torch.float32).visual
        self.input_size = self.network.input_resolution
