"""DINOv2 and CLIP with random weights: the released ones are not at hand."""
import zlib

import pytest
import timm
import torch
from torch import nn
from torch_fidelity import feature_extractor_clip as library
from torch_fidelity import feature_extractor_dinov2

from rcg.checkpoint import CheckpointError, file_sha256
from rcg.evaluation import CLIP, DINOv2, shared_extractor

PUBLISHED = [[-0.3271, -0.6684, -0.3789, 0.2348],
             [-0.3543, -0.6856, -0.3888, 0.2514]]


def images(size=100):
    rng = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (2, 3, size, size), generator=rng,
                         dtype=torch.uint8)


def random(name, shape):
    rng = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    noise = torch.randn(shape, generator=rng)
    is_scale = len(shape) == 1 and name.endswith(('weight', 'gamma'))
    if name == 'pos_embed':
        return noise
    return 1 + .1 * noise if is_scale else noise * (
        .1 if len(shape) == 1 else .02)


@pytest.fixture(scope='module')
def dinov2(tmp_path_factory):
    """A file with the published names and shapes of ViT-S/14."""
    network = timm.create_model('vit_small_patch14_dinov2', num_classes=0)
    shapes = {name: t.shape for name, t in network.state_dict().items()}
    shapes['mask_token'] = torch.Size([1, 384])
    path = tmp_path_factory.mktemp('dinov2') / 'weights.pth'
    torch.save({name: random(name, s) for name, s in shapes.items()}, path)
    return str(path)


def test_dinov2_gives_what_the_published_code_gives(dinov2):
    found = DINOv2(dinov2).eval()(images())['features']
    # Of dinov2/models/vision_transformer.py, with images resized by
    # F.interpolate(mode='bicubic', antialias=True).
    wanted = torch.tensor(PUBLISHED)
    assert found.shape == (2, 384)
    assert torch.allclose(found[:, :4], wanted, atol=1e-3)


class TheirDINOv2(feature_extractor_dinov2.FeatureExtractorDinoV2):
    def __init__(self, network):
        nn.Module.__init__(self)
        self.model, self.features_list = network, ['dinov2']
        self.feature_extractor_internal_dtype = torch.float32


class TheirCLIP(library.FeatureExtractorCLIP):
    def __init__(self, network):
        nn.Module.__init__(self)
        self.model = nn.Module()
        self.model.visual, self.features_list = network, ['clip']
        self.feature_extractor_internal_dtype = torch.float32
        self.resolution = network.input_resolution


def test_torch_fidelity_resizes_so(dinov2):
    ours = DINOv2(dinov2, 'tensorflow').eval()
    theirs, = TheirDINOv2(ours.network)(images())
    assert torch.allclose(ours(images())['features'], theirs, atol=1e-4)


def test_describe(dinov2):
    extractor = shared_extractor({'type': 'DINOv2', 'weights_path': dinov2})
    assert extractor.describe() == {
        'type': 'DINOv2', 'weights': 'weights.pth',
        'sha256': file_sha256(dinov2), 'resize': 'bicubic to 224'}


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


def test_files_of_something_else(tmp_path, dinov2):
    path = str(tmp_path / 'weights.pth')
    torch.save({'fc.weight': torch.zeros(2, 2)}, path)
    with pytest.raises(CheckpointError, match='no DINOv2 of ViT-S'):
        DINOv2(path)
    with pytest.raises(CheckpointError, match='no CLIP.*visual'):
        CLIP(path)
    with pytest.raises(CheckpointError, match='no CLIP'):
        CLIP(dinov2)
    with pytest.raises(ValueError, match="'bicubic', 'tensorflow'"):
        CLIP(path, resize='lanczos')
