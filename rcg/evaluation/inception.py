"""The Inception network behind the published FID and Inception Score."""
import io
import os

import torch
from torch import Tensor, nn

from rcg.checkpoint import read_checkpoint
from rcg.registry import FEATURE_EXTRACTORS

URL = ('https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/'
       'weights-inception-2015-12-05-6726825d.pth')


@FEATURE_EXTRACTORS.register_module()
class Inception(nn.Module):
    """torch-fidelity's 'inception-v3-compat', with which RCG was measured.

    It resizes as TensorFlow 1 did. Nothing is downloaded.

    Args:
        weights_path: The file behind ``URL`` (91 MB); by default, where
            torch-fidelity itself would have put it.

    Raises:
        FileNotFoundError: It is not there.
        ModuleNotFoundError: torch-fidelity is not installed.
        CheckpointError: It holds something else.
    """

    def __init__(self, weights_path: str | None = None) -> None:
        super().__init__()
        path = weights_path or os.path.join(
            torch.hub.get_dir(), 'checkpoints', os.path.basename(URL))
        if not os.path.isfile(os.path.expanduser(path)):
            raise FileNotFoundError(
                f"Inception's weights are not at '{path}'. Put "
                f'{URL} there, or name another place (weights_path).')
        try:
            from torch_fidelity.feature_extractor_inceptionv3 import (
                FeatureExtractorInceptionV3,
            )
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                'Inception needs torch-fidelity: pip install torch-fidelity',
                name=error.name) from error
        # The library would execute what a pickle asks for; of a file that
        # was read safely it gets a copy.
        weights = io.BytesIO()
        torch.save(read_checkpoint(path), weights)
        weights.seek(0)
        self.network = FeatureExtractorInceptionV3(
            'inception-v3-compat', ['2048', 'logits_unbiased'], weights)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """``features`` (N, 2048) and ``logits`` (N, 1008) of uint8 images."""
        features, logits = self.network(images)
        return {'features': features, 'logits': logits}
