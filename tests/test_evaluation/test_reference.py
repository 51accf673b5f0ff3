import numpy as np
import pytest
import torch
from PIL import Image

from rcg.evaluation import Reference, shared_extractor
from tests.test_evaluation.toy import ToyImages, run_processes

IMAGES = {'type': 'ToyImages', 'num_images': 150}
CPU = torch.device('cpu')


def reference(**changes):
    return Reference({**IMAGES, **changes},
                     shared_extractor({'type': 'ToyExtractor', 'seed': 3}))


def test_features_are_those_of_the_images_in_order():
    ours = reference()
    found = ours.features(CPU)
    wanted = ours.extractor(ToyImages(150).images)['features']
    assert torch.allclose(found, wanted, atol=1e-6)


def test_moments_are_those_of_the_features():
    ours = reference()
    mean, covariance = ours.moments(CPU)
    features = ours.features(CPU).double().numpy()
    assert np.abs(mean.numpy() - features.mean(0)).max() < 1e-6
    assert np.abs(covariance.numpy() -
                  np.cov(features, rowvar=False)).max() < 1e-6


def test_references_to_equal_images_share_their_results():
    one, same, other = reference(), reference(), reference(seed=1)
    assert same.features(CPU) is one.features(CPU)
    assert same.dataset is one.dataset
    assert (other.features(CPU) != one.features(CPU)).any()
    calls = one.extractor.module.num_calls
    same.features(CPU)
    assert one.extractor.module.num_calls == calls


def test_random_images_are_no_reference():
    with pytest.raises(ValueError, match='use CenterCrop'):
        reference(is_random=True)


def test_image_files_are_read_by_workers(tmp_path):
    for number, image in enumerate(ToyImages(10).images):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(
            tmp_path / f'{number}.png')
    files = Reference({'type': 'ImageFolder', 'data_root': str(tmp_path)},
                      reference().extractor)
    memory = reference(num_images=10)
    assert (files.features(CPU) == memory.features(CPU)).all()


def _statistics(num_images):
    ours = reference(num_images=num_images)
    return [t.tolist() for t in (*ours.moments(CPU), ours.features(CPU))]


@pytest.mark.parametrize('num_images', [150, 20])  # 20: one batch in all
def test_processes_share_the_work_and_agree(tmp_path, num_images):
    alone = run_processes(1, tmp_path, _statistics, num_images)[0]
    assert isinstance(alone, list), alone
    for world in (2, 3):
        for result in run_processes(world, tmp_path, _statistics,
                                    num_images):
            assert result == alone
