"""CLIP, an extractor of tools/evaluate_images.py, as it was published.

To name it in a config: ``custom_imports = dict(imports=['evaluating.clip'])``.
"""
import torch
from torch import Tensor

from rcg.evaluation.published import PublishedNetwork
from rcg.registry import FEATURE_EXTRACTORS


@FEATURE_EXTRACTORS.register_module()
class CLIP(PublishedNetwork):
    """CLIP's image embeddings (arXiv:2103.00020), not normalized.

    By default ViT-L/14 at 336 pixels. Any file that OpenAI published gives
    its own network, and so does a state dict with its names.
    """
    kind = "CLIP with OpenAI's names"
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
        self.network = build_model(dict(state), torch.float32).visual
        self.input_size = self.network.input_resolution
