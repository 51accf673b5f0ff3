"""What all encoders share, on each of them."""
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rcg.models.encoders.base import standardize
from rcg.registry import ENCODERS

VIT = dict(patch_size=4, embed_dim=12, depth=2, num_heads=3)
CONFIGS = {
    'conv': dict(type='ConvEncoder', widths=(4, 6), strides=(2, 1),
                 projector_hidden_dim=10, projector_dim=5),
    'moco': dict(type='MoCoV3ViT', img_size=8, vit=VIT,
                 projector_hidden_dim=10, projector_dim=5,
                 freeze_patch_embed=False),
    'dino': dict(type='DINOViT', img_size=8, vit=VIT,
                 projector_hidden_dim=10, projector_dim=5),
    'deit': dict(type='DeiTViT', img_size=8, vit=VIT, num_classes=5),
    'pca': dict(type='PixelPCA', image_size=8, num_components=5),
}


@pytest.fixture(params=CONFIGS)
def encoder(request):
    torch.manual_seed(0)
    encoder = ENCODERS.build(CONFIGS[request.param])
    if request.param == 'pca':
        encoder.fit(torch.rand(20, 3, 8, 8) * 2 - 1)
    return encoder.eval()


@torch.no_grad()
def test_representation(encoder):
    images = torch.rand(4, 3, 8, 8) * 2 - 1
    out = encoder(images)
    assert out.shape == (4, encoder.rep_dim) == (4, 5)
    torch.testing.assert_close(out.mean(1), torch.zeros(4), atol=1e-6, rtol=0)
    torch.testing.assert_close(out.std(1), torch.ones(4))
    torch.testing.assert_close(out, standardize(encoder.project(images)))
    torch.testing.assert_close(out[1:2], encoder(images[1:2]))  # one image
    encoder.standardize = False
    torch.testing.assert_close(encoder(images), encoder.project(images))


@torch.no_grad()
def test_without_projector():
    for name in ('conv', 'moco', 'dino', 'deit'):
        encoder = ENCODERS.build(CONFIGS[name] | dict(
            with_projector=False)).eval()
        images = torch.rand(4, 3, 8, 8) * 2 - 1
        assert encoder(images).shape == (4, encoder.rep_dim)
        assert encoder.rep_dim == (6 if name == 'conv' else 12)
        torch.testing.assert_close(
            encoder.project(images),
            encoder.features(encoder.preprocess(images)))
        # Its checkpoints still fit the encoder with a projector.
        ENCODERS.build(CONFIGS[name]).load_state_dict(encoder.state_dict())


@pytest.mark.parametrize('name', ['conv', 'moco', 'dino', 'deit'])
def test_gradients_reach_every_parameter(name):
    encoder = ENCODERS.build(CONFIGS[name])
    target = torch.randn(4, 5)
    (encoder.project(torch.rand(4, 3, 8, 8)) * target).sum().backward()
    for key, parameter in encoder.named_parameters():
        assert parameter.grad.abs().max() > 0, key


def test_frozen_patch_embedding():
    encoder = ENCODERS.build(CONFIGS['moco'] | dict(freeze_patch_embed=True))
    frozen = [n for n, p in encoder.named_parameters() if not p.requires_grad]
    assert frozen == ['backbone.patch_embed.proj.weight',
                      'backbone.patch_embed.proj.bias']


def test_preprocessing_normalizes_and_resizes():
    encoder = ENCODERS.build(CONFIGS['moco'])
    mean = torch.tensor([.485, .456, .406]).view(1, 3, 1, 1)
    gray = (mean * 2 - 1).expand(1, 3, 5, 5)
    torch.testing.assert_close(encoder.preprocess(gray),
                               torch.zeros(1, 3, 8, 8), atol=1e-6, rtol=0)
    white = encoder.preprocess(torch.ones(1, 3, 8, 8))
    std = torch.tensor([.229, .224, .225]).view(1, 3, 1, 1)
    torch.testing.assert_close(white, ((1 - mean) / std).expand(1, 3, 8, 8))


def test_published_resizing_does_not_antialias():
    encoder = ENCODERS.build(CONFIGS['moco'])
    images = torch.rand(1, 3, 20, 20)
    x = (images - encoder.mean) / encoder.std
    ours = encoder.preprocess(images * 2 - 1)
    for antialias in (False, True):
        other = F.interpolate(x, (8, 8), mode='bicubic', antialias=antialias)
        close = torch.allclose(ours, other, atol=1e-5)
        assert close is not antialias


def test_epsilons_are_those_of_the_published_networks():
    for name in ('moco', 'dino', 'deit'):
        norms = [module.eps for module in ENCODERS.build(
            CONFIGS[name]).modules() if isinstance(module, nn.LayerNorm)]
        assert norms == [1e-6] * 5
    norms = [module.eps for module in ENCODERS.build(
        CONFIGS['moco']).modules() if isinstance(module, nn.BatchNorm1d)]
    assert norms == [1e-5] * 3


def test_standardize_shows_rows_without_information():
    out = standardize(torch.tensor([[1., 1.], [0., 2.]]))
    assert out[0].isnan().all()
    torch.testing.assert_close(out[1], torch.tensor([-.5, .5]) * 2**.5)


@torch.no_grad()
@pytest.mark.parametrize('name', CONFIGS)
def test_feature_map(name):
    torch.manual_seed(0)
    encoder = ENCODERS.build(CONFIGS[name]).eval()
    images = torch.rand(4, 3, 8, 8) * 2 - 1
    if name == 'pca':
        with pytest.raises(ValueError, match='PixelPCA has no features of'):
            encoder.feature_map(images)
        return
    places = encoder.feature_map(images)
    if name == 'conv':  # features are the mean over the places
        assert places.shape == (4, 6, 4, 4)
        torch.testing.assert_close(
            places.mean((2, 3)),
            encoder.features(encoder.preprocess(images)))
        return
    assert places.shape == (4, 12, 2, 2)
    # The place of a patch: without blocks no other patch has an effect.
    encoder.backbone.blocks = nn.Sequential()
    changed = images.clone()
    changed[..., :4, 4:] *= -1  # upper right
    moved = (encoder.feature_map(changed)
             != encoder.feature_map(images)).any(1)
    assert moved.tolist() == [[[False, True], [False, False]]] * 4


@torch.no_grad()
def test_what_may_be_no_vector_has_vectors(encoder):
    """Those of a vector are its own; the way between two is straight."""
    first, last = encoder(torch.rand(2, 3, 8, 8) * 2 - 1)[:, None]
    assert encoder.rep_codes is None and encoder.project_dim == 5
    assert torch.equal(encoder.vectors(first), first)
    weight = torch.tensor([[0.], [.25], [1.]])
    between = encoder.between(first, last, weight)
    torch.testing.assert_close(between, (1 - weight) * first + weight * last)
