"""The Inception of torch-fidelity, for FID, IS, KID and others."""
import io

import torch
from torch import Tensor

from rcg.evaluation.extractors.pretrained import PretrainedExtractor
from rcg.registry import FEATURE_EXTRACTORS


@FEATURE_EXTRACTORS.register_module()
class Inception(PretrainedExtractor):
    """torch-fidelity's 'inception-v3-compat', with which RCG was measured.

    It is the network of ADM's evaluation and of pytorch-fid.
    """
    kind = 'Inception of torch-fidelity'
    url = ('https://github.com/toshas/torch-fidelity/releases/download/'
           'v0.2.0/weights-inception-2015-12-05-6726825d.pth')
    # The name states its first digits, Carver (models/inception_model.py of
    # github.com/qiuyu96/Carver) and others who use the file state all.
    url_sha256 = (
        '6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2')
    resizes = 'tensorflow',
    input_size = 299

    def build(self, state: dict[str, Tensor]) -> None:
        from torch_fidelity import feature_extractor_inceptionv3 as library

        # The library would unpickle the file, which can run code. So it gets
        # a copy of the weights, which were read safely.
        weights = io.BytesIO()
        torch.save(state, weights)
        weights.seek(0)
        self.network = library.FeatureExtractorInceptionV3(
            'inception-v3-compat', ['2048', 'logits_unbiased'], weights)
        # 'mixed_6/conv' of the original graph
        self.network.Mixed_6d.branch1x1.register_forward_hook(self._keep)

    def _keep(self, module, inputs, output: Tensor) -> None:
        self._spatial = output[:, :7].permute(0, 2, 3, 1)  # as in ADM's npz

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """``features`` (N, 2048), ``logits`` (N, 1008), ``spatial`` (N, 2023).

        The spatial features are 7 channels at 17x17 places
        (arXiv:2103.03841).
        """
        features, logits = self.network(images)
        return {'features': features, 'logits': logits,
                'spatial': self.__dict__.pop('_spatial').flatten(1)}
