import json
import math

import numpy as np
import pytest
import torch

from rcg.evaluation import (
    FrechetDistance,
    PrecisionRecall,
    StatisticsFile,
    build_reference,
    frechet_distance,
    shared_extractor,
)
from rcg.evaluation.metrics import frechet
from tests.test_evaluation.test_references.test_dataset_reference import (
    CPU,
    image_folder,
)
from tests.test_evaluation.toy import ToyImages, output_of

EXTRACTOR = {'type': 'ToyExtractor', 'seed': 3}
ROWS = np.random.default_rng(0).normal(size=(40, 7))
MOMENTS = {'mu': ROWS.mean(0), 'sigma': np.cov(ROWS, rowvar=False)}
IMAGES = ToyImages(30).images


@pytest.fixture
def write(tmp_path):
    def save(**arrays):
        path = tmp_path / 'reference.npz'
        np.savez(path, **arrays)
        return str(path)
    return save


def metric(reference, cls=FrechetDistance, num=25):
    metric = cls(EXTRACTOR, reference)
    metric.process({}, [output_of(i) for i in range(num)])
    return metric


def test_distance_to_the_moments_of_a_file(write):
    path = write(**MOMENTS)
    ours = metric(path)
    rows = ours.extractor(torch.stack([output_of(i)['images']
                                       for i in range(25)]))['features']
    wanted = frechet_distance(
        rows.double().mean(0), rows.double().T.cov(),
        *map(torch.from_numpy, MOMENTS.values()))
    assert ours.evaluate(25)['generation/fd'] == pytest.approx(wanted)


def test_what_a_file_of_others_is(write):
    found = build_reference(write(**MOMENTS), shared_extractor(EXTRACTOR))
    about = found.describe()
    assert about['name'] == 'reference.npz'
    assert about['kind'] == 'statistics'
    assert 'not stated' in about['extractor']
    assert len(about['sha256']) == 64
    named = build_reference(
        {'type': 'StatisticsFile', 'path': found.path, 'name': 'ADM'},
        shared_extractor(EXTRACTOR))
    assert named.describe()['name'] == 'ADM'


def test_adm_holds_two_kinds_of_moments_and_images(write):
    extractor = shared_extractor(EXTRACTOR)
    path = write(arr_0=IMAGES.permute(0, 2, 3, 1).numpy(), mu_s=np.zeros(5),
                 sigma_s=2 * np.eye(5), **MOMENTS)
    mean, covariance = build_reference(path, extractor).moments(CPU)
    assert torch.equal(mean, torch.from_numpy(MOMENTS['mu']))
    assert torch.equal(covariance, torch.from_numpy(MOMENTS['sigma']))
    spatial = build_reference(path, extractor, 'spatial').moments(CPU)
    assert torch.equal(spatial[1], 2 * torch.eye(5, dtype=torch.float64))
    # Only what needs single images looks at them.
    found = build_reference(path, extractor, rows=True).features(CPU)
    assert torch.allclose(found, extractor(IMAGES)['features'], atol=1e-6)
    assert metric(path, PrecisionRecall).evaluate(25)


def test_folders_and_archives_are_references(tmp_path, write):
    image_folder(tmp_path / 'real', IMAGES)
    archive = write(arr_0=IMAGES.permute(0, 2, 3, 1).numpy())
    scores = [metric(place).evaluate(25)
              for place in (str(tmp_path / 'real'), archive,
                            {'type': 'ToyImages', 'num_images': 30})]
    assert scores[0] == scores[1] == scores[2]


def test_files_of_ours_know_their_extractor(write, tmp_path):
    torch.save(shared_extractor(EXTRACTOR).module.state_dict(),
               tmp_path / 'toy.pth')
    extractor = shared_extractor(
        EXTRACTOR | {'checkpoint': str(tmp_path / 'toy.pth')})
    about = {'extractor': {**extractor.describe(), 'weights': 'moved.pth'},
             'count': 40, 'name': 'x'}
    path = write(about=json.dumps(about), features=ROWS, **MOMENTS)
    found = StatisticsFile(path, extractor)
    assert found.describe()['count'] == 40
    assert found.describe()['extractor']['sha256'] == extractor.sha256
    rows = StatisticsFile(path, extractor, rows=True).features(CPU)
    assert torch.equal(rows, torch.from_numpy(ROWS))
    with pytest.raises(ValueError, match='another extractor, weights or '
                       'resize.*seed.*3'):
        StatisticsFile(path, shared_extractor(EXTRACTOR))
    about['extractor']['resize'] = 'bicubic to 224'
    path = write(about=json.dumps(about), **MOMENTS)
    with pytest.raises(ValueError, match='bicubic to 224'):
        StatisticsFile(path, extractor)


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('boom')", )


@pytest.mark.parametrize(('arrays', 'message'), [
    ({'x': ROWS}, r"holds \['x'\], not mu and sigma"),
    ({'mu': ROWS[0]}, 'sigma'),
    ({'mu': ROWS, 'sigma': np.eye(7)}, r'got \(40, 7\) and \(7, 7\)'),
    ({'mu': ROWS[0], 'sigma': np.eye(6)}, r'got \(7,\) and \(6, 6\)'),
    ({'mu': ROWS[0] * np.nan, 'sigma': np.eye(7)}, 'finite'),
    ({'mu': np.array(Bomb()), 'sigma': np.eye(7)}, 'Object arrays'),
    ({'mu': np.array([Bomb()] * 2), 'sigma': np.eye(7)}, 'Object arrays'),
    ({'about': '{', **MOMENTS}, 'no npz file of statistics'),
])
def test_other_contents(write, arrays, message):
    with pytest.raises(ValueError, match=message):
        build_reference(write(**arrays), shared_extractor(EXTRACTOR))


def test_what_a_metric_needs_and_a_file_lacks(write):
    path = write(**MOMENTS)
    with pytest.raises(ValueError, match='precision, recall.* need images'):
        PrecisionRecall(EXTRACTOR, path)
    with pytest.raises(ValueError, match='not mu_s and sigma_s'):
        build_reference(path, shared_extractor(EXTRACTOR), 'spatial')


def test_truncated_and_missing_files(write, tmp_path):
    path = write(**MOMENTS)
    with open(path, 'r+b') as file:
        file.truncate(300)
    with pytest.raises(ValueError, match='damaged or truncated'):
        build_reference(path, shared_extractor(EXTRACTOR))
    for name in ('absent.npz', 'absent'):
        with pytest.raises(FileNotFoundError, match=f'no npz file.*{name}'):
            build_reference(str(tmp_path / name),
                            shared_extractor(EXTRACTOR))


def test_another_number_of_features_is_refused_at_once(write):
    path = write(mu=np.zeros(2048), sigma=np.eye(2048))
    ours = FrechetDistance(EXTRACTOR, path)
    ours.process({}, [output_of(i) for i in range(5)])  # it waits
    with pytest.raises(ValueError, match='have 2048 numbers, ours 7'):
        ours.process({}, [output_of(i) for i in range(5, 10)])


def test_fewer_samples_than_features_warn_and_give_a_number(write,
                                                            monkeypatch):
    said, path = [], write(**MOMENTS)
    monkeypatch.setattr(frechet, 'print_log',
                        lambda text, *_: said.append(text))
    metric(path, num=8).evaluate(8)
    assert not said
    assert math.isfinite(metric(path, num=5).evaluate(5)['generation/fd'])
    assert '5 samples say little about 7 features' in said[0]
