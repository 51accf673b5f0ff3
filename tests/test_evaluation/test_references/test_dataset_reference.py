import gc
import json
import os

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from rcg.checkpoint import file_sha256
from rcg.evaluation import DatasetReference, shared_extractor
from tests.test_evaluation.toy import (
    ToyExtractor,
    ToyImages,
    run_processes,
)

IMAGES = {'type': 'ToyImages', 'num_images': 150}
CPU = torch.device('cpu')


def reference(**changes):
    return DatasetReference({**IMAGES, **changes},
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
    files = DatasetReference(
        {'type': 'ImageFolder', 'data_root': str(tmp_path)},
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


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A file of weights: only with its hash are results stored."""
    monkeypatch.setenv('RCG_CACHE', str(tmp_path / 'cache'))
    torch.save(ToyExtractor(3).state_dict(), tmp_path / 'toy.pth')
    return str(tmp_path / 'toy.pth')


def image_folder(folder, images):
    folder.mkdir(exist_ok=True)
    for number, image in enumerate(images):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(
            folder / f'{number}.png')
    return {'type': 'ImageFolder', 'data_root': str(folder)}


def see(dataset, weights, **settings):
    """Moments and features with a new extractor; passes it took."""
    gc.collect()  # nobody may remember an earlier one
    cfg = {'type': 'ToyExtractor', 'seed': 0, 'checkpoint': weights}
    extractor = shared_extractor(cfg | settings)
    ours = DatasetReference(dataset, extractor, rows=True)
    other = DatasetReference(dataset, extractor)
    return (other.moments(CPU), ours.features(CPU),
            extractor.module.num_calls)


def stored(tmp_path):
    return sorted((tmp_path / 'cache' / 'references').glob('*'))


def test_one_pass_serves_all_and_is_stored(tmp_path, weights):
    dataset = image_folder(tmp_path / 'real', ToyImages(10).images)
    moments, rows, calls = see(dataset, weights)
    assert calls == 1
    assert len(stored(tmp_path)) == 2
    again, rows_again, calls = see(dataset, weights)
    assert calls == 0
    assert torch.equal(rows, rows_again)
    assert all(map(torch.equal, moments, again))


def test_a_broken_link_among_the_images(tmp_path, weights):
    dataset = image_folder(tmp_path / 'real', ToyImages(10).images)
    os.symlink('nowhere.png', tmp_path / 'real' / '99.png')
    _, rows, _ = see(dataset, weights)
    assert len(rows) == 11  # it stands for the next image, the first
    assert torch.equal(rows[10], rows[0])
    assert see(dataset, weights)[-1] == 0


def test_what_is_stored_says_what_it_is(tmp_path, weights):
    dataset = image_folder(tmp_path / 'real', ToyImages(10).images)
    see(dataset, weights)
    with safe_open(stored(tmp_path)[0], 'pt') as file:
        about = json.loads(file.metadata()['about'])
    assert about['name'] == 'ImageFolder real'
    assert (about['kind'], about['count']) == ('images', 10)
    assert about['extractor']['sha256'] == file_sha256(weights)


@pytest.mark.parametrize('change', ['file', 'time', 'transform', 'weights'])
def test_what_was_stored_of_other_things_is_not_used(tmp_path, weights,
                                                     change):
    dataset = image_folder(tmp_path / 'real', ToyImages(10).images)
    see(dataset, weights)
    if change == 'file':
        image_folder(tmp_path / 'real', ToyImages(11).images)
    elif change == 'time':  # written anew: may be another image
        os.utime(tmp_path / 'real' / '3.png', (1, 1))
    elif change == 'transform':
        dataset['pipeline'] = [{'type': 'CenterCrop', 'size': 6}]
    else:
        torch.save(ToyExtractor(4).state_dict(), weights)
    assert see(dataset, weights)[2] == 1
    assert len(stored(tmp_path)) == 4


def test_a_damaged_file_is_made_anew(tmp_path, weights):
    dataset = image_folder(tmp_path / 'real', ToyImages(10).images)
    moments, rows, _ = see(dataset, weights)
    for path in stored(tmp_path):
        path.write_bytes(path.read_bytes()[:-7])
    again, rows_again, calls = see(dataset, weights)
    assert calls == 1
    assert torch.equal(rows, rows_again)
    assert see(dataset, weights)[2] == 0


def test_without_a_hash_of_weights_nothing_is_stored(tmp_path, weights):
    dataset = image_folder(tmp_path / 'real', ToyImages(10).images)
    reference = DatasetReference(dataset, shared_extractor(
        {'type': 'ToyExtractor', 'seed': 9}))
    reference.moments(CPU)
    assert not stored(tmp_path)


def test_processes_read_what_the_first_one_finds(tmp_path, weights):
    dataset = image_folder(tmp_path / 'real', ToyImages(100).images)
    moments, rows, _ = see(dataset, weights)
    for result in run_processes(3, tmp_path, see, dataset, weights):
        assert not isinstance(result, str), result
        assert torch.equal(result[1], rows)
        assert result[2] == 0
