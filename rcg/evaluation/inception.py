"""The Inception network behind the published FID and Inception Score."""
import io

import torch
from torch import Tensor

from rcg.checkpoint import CheckpointError
from rcg.evaluation.published import PublishedNetwork
from rcg.registry import FEATURE_EXTRACTORS


@FEATURE_EXTRACTORS.register_module()
class Inception(PublishedNetwork):
    """torch-fidelity's 'inception-v3-compat', with which RCG was measured.

    The network of ADM's evaluation and of pytorch-fid, resizing as
    TensorFlow 1 did. Arguments: see :class:`PublishedNetwork`.
    """
    url = ('https://github.com/toshas/torch-fidelity/releases/download/'
           'v0.2.0/weights-inception-2015-12-05-6726825d.pth')
    published_sha256 = '6726825d'
    resizes = 'tensorflow',
    input_size = 299

    def build(self, state: dict[str, Tensor]) -> None:
        from torch_fidelity.feature_extractor_inceptionv3 import (
            FeatureExtractorInceptionV3,
        )

        # The library would execute what a pickle asks for; of a file that
        # was read safely it gets a copy.
        weights = io.BytesIO()
        torch.save(state, weights)
        weights.seek(0)
        try:
            self.network = FeatureExtractorInceptionV3(
                'inception-v3-compat', ['2048', 'logits_unbiased'], weights)
        except RuntimeError as error:
            raise CheckpointError(
                f"'{self.path}' holds no Inception of torch-fidelity "
                f'({str(error)[:200]}). Get {self.url}') from error
        # 'mixed_6/conv' of the original graph
        self.network.Mixed_6d.branch1x1.register_forward_hook(self._keep)

    def _keep(self, module, inputs, output: Tensor) -> None:
        self._spatial = output[:, :7].permute(0, 2, 3, 1)  # as in ADM's npz

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Of uint8 images (N, 3, H, W).

        Returns:
            ``features`` (N, 2048), ``logits`` (N, 1008), and ``spatial``
            (N, 2023), seven channels at 17x17 places (arXiv:2103.03841).
        """
        features, logits = self.network(images)
        return {'features': features, 'logits': logits,
                'spatial': self.__dict__.pop('_spatial').flatten(1)}
