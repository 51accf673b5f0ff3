"""CLIP with random weights: the released ones are not at hand."""
import sys

import pytest
import torch
from torch import nn
from torch_fidelity import feature_extractor_clip as library

from rcg.checkpoint import CheckpointError, file_sha256

from ..test_engine.running import ROOT
from ..test_evaluation.test_transformers import (  # noqa: F401
    dinov2,
    images,
)

sys.path.append(str(ROOT / 'tools'))  # as when a tool runs
from evaluating.clip import CLIP  # noqa: E402


class TheirCLIP(library.FeatureExtractorCLIP):
    def __init__(self, network):
        nn.Module.__init__(self)
        self.model = nn.Module()
        self.model.visual, self.features_list = network, ['clip']
        self.feature_extractor_internal_dtype = torch.float32
        self.resolution = network.input_resolution


class Whole(nn.Module):
    """The parts of CLIP that its file must have."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.visual = library.VisionTransformer(32, 16, 64, 2, 1, 8)
        self.text_projection = nn.Parameter(torch.randn(5, 8))

    def forward(self, x):
        return self.visual(x) @ self.text_projection.T


@pytest.mark.parametrize('resize', ['bicubic', 'tensorflow'])
def test_clip_is_torch_fidelitys(tmp_path, resize):
    torch.save(Whole().state_dict(), tmp_path / 'weights.pt')
    ours = CLIP(str(tmp_path / 'weights.pt'), resize).eval()
    theirs, = TheirCLIP(ours.network)(images(48))
    found = ours(images(48))['features']
    assert found.shape == (2, 8)
    assert torch.allclose(found, theirs,
                          atol=1e-4) == (resize == 'tensorflow')
    assert torch.equal(ours.network.conv1.weight,
                       Whole().visual.conv1.weight.half().float())


@pytest.mark.filterwarnings('ignore')
def test_programs_run_only_if_openai_published_them(tmp_path, monkeypatch):
    path = str(tmp_path / 'ViT.pt')
    torch.jit.trace(Whole().eval(), torch.zeros(1, 3, 32, 32)).save(path)
    with pytest.raises(CheckpointError, match='TorchScript'):
        CLIP(path)
    monkeypatch.setitem(library.MODEL_METADATA, 'tiny',
                        {'hash': file_sha256(path)})
    assert torch.equal(CLIP(path).network.proj,
                       Whole().visual.proj)


def test_files_of_something_else(tmp_path, dinov2):  # noqa: F811
    path = str(tmp_path / 'weights.pth')
    torch.save({'fc.weight': torch.zeros(2, 2)}, path)
    with pytest.raises(CheckpointError, match='no CLIP.*visual'):
        CLIP(path)
    with pytest.raises(CheckpointError, match='no CLIP'):
        CLIP(dinov2)
    with pytest.raises(ValueError, match="'bicubic', 'tensorflow'"):
        CLIP(path, resize='lanczos')
