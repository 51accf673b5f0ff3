import pytest
import torch
from sklearn.decomposition import PCA

from rcg.models.encoders.pixel_pca import PixelPCA


@pytest.fixture
def images():
    torch.manual_seed(0)
    return torch.rand(40, 3, 4, 4) * 2 - 1


def test_components_are_sklearns(images):
    encoder = PixelPCA(4, num_components=6)
    encoder.fit(images)
    flat = images.flatten(1).double().numpy()
    pca = PCA(6, svd_solver='full').fit(flat)
    ours = encoder.features(encoder.preprocess(images)).abs()
    theirs = torch.from_numpy(pca.transform(flat)).abs().float()
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_all_components_reconstruct(images):
    encoder = PixelPCA(4, num_components=48)
    encoder.fit(images)
    x = encoder.preprocess(images)
    torch.testing.assert_close(encoder.reconstruct(encoder.features(x)),
                               x.flatten(1), atol=1e-4, rtol=0)


def test_signs_are_fixed(images):
    encoder = PixelPCA(4, num_components=6)
    encoder.fit(images)
    components = encoder.components
    largest = components.gather(1, components.abs().argmax(1, keepdim=True))
    assert (largest > 0).all()


def test_components_are_saved(images):
    encoder, other = PixelPCA(4, 6), PixelPCA(4, 6)
    encoder.fit(images)
    assert other(images).isnan().all()  # not fitted: nobody can miss it
    other.load_state_dict(encoder.state_dict())
    assert torch.equal(encoder(images), other(images))


@pytest.mark.parametrize('num_components', [1, 49])
def test_refuses_impossible_numbers(num_components):
    with pytest.raises(ValueError, match=r'must be in \[2, 48\]'):
        PixelPCA(4, num_components)


def test_autocast_changes_nothing(images):
    encoder = PixelPCA(4, 6)
    encoder.fit(images)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = encoder(images)
    assert torch.equal(found, encoder(images))
