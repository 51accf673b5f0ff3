import math

import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import Evaluator
from torch.utils.data import DataLoader

from rcg.datasets import SeedBatchSampler, SeedDataset
from rcg.evaluation import (
    Accuracy,
    FrechetDistance,
    FrechetInfinity,
    InceptionScore,
    ReconstructionError,
    RepresentationFrechetDistance,
    frechet_distance,
)
from rcg.registry import METRICS
from tests.test_evaluation.toy import output_of, run_processes

EXTRACTOR = {'type': 'ToyExtractor', 'seed': 7}
IMAGES = {'type': 'ToyImages'}
OTHERS = {'type': 'ToyImages', 'seed': 1, 'num_images': 70}
CONFIGS = [
    {'type': 'FrechetDistance', 'extractor': EXTRACTOR, 'reference': OTHERS},
    {'type': 'FrechetDistance', 'extractor': EXTRACTOR, 'reference': IMAGES,
     'name': 'fd_train'},
    {'type': 'InceptionScore', 'extractor': EXTRACTOR, 'num_splits': 3},
    {'type': 'PrecisionRecall', 'extractor': EXTRACTOR, 'reference': OTHERS},
    {'type': 'NearestTrain', 'extractor': EXTRACTOR, 'train': IMAGES,
     'held_out': OTHERS},
    {'type': 'RepresentationFrechetDistance', 'reference': IMAGES,
     'encoder': {'type': 'ToyEncoder'}},
    {'type': 'ReconstructionError'},
    {'type': 'Accuracy'},
]
NAMES = {
    'generation/fd', 'generation/fd_train', 'generation/is',
    'generation/is_std', 'generation/precision', 'generation/recall',
    'generation/near_train', 'generation/train_distance_ratio',
    'representation/fd', 'reconstruction/psnr', 'classifier/accuracy'
}


def evaluate(num_images, batch_size, metrics=CONFIGS, fixed=True):
    evaluator = Evaluator([METRICS.build(cfg) if isinstance(cfg, dict)
                           else cfg for cfg in metrics])
    dataset = SeedDataset(num_images)
    sampler = DefaultSampler(dataset, shuffle=False)
    order = ({'batch_sampler': SeedBatchSampler(sampler, batch_size)}
             if fixed else {'batch_size': batch_size, 'sampler': sampler})
    for batch in DataLoader(dataset, **order):
        outputs = [output_of(int(index)) for index in batch['indices']]
        evaluator.process(outputs, batch)
    return evaluator.evaluate(num_images)


def test_results_are_plain_finite_floats():
    results = evaluate(103, 16)
    assert results.keys() == NAMES
    assert all(type(value) is float for value in results.values())
    assert all(math.isfinite(value) for value in results.values())


@pytest.mark.parametrize(('num_images', 'batch_size'), [(103, 16), (20, 16)])
def test_results_do_not_depend_on_the_number_of_processes(
        tmp_path, num_images, batch_size):
    # With 20 images, one of three processes has nothing to do.
    alone = run_processes(1, tmp_path, evaluate, num_images, batch_size)[0]
    assert isinstance(alone, dict), alone
    assert alone.keys() == NAMES
    for world in (2, 3):
        for results in run_processes(world, tmp_path, evaluate, num_images,
                                     batch_size):
            assert results == alone


def test_what_the_default_sampler_repeats_counts_once(tmp_path):
    alone = evaluate(103, 16)
    for world in (2, 3):
        for results in run_processes(world, tmp_path, evaluate, 103, 16,
                                     CONFIGS, False):
            # Batches are others, so features may round differently.
            assert results == pytest.approx(alone, rel=1e-4)


def test_padding_is_dropped():
    exact = evaluate(96, 16)
    padded = evaluate(96, 20)
    assert padded == pytest.approx(exact, rel=1e-4)


def test_frechet_distance_is_that_of_the_features():
    metric = FrechetDistance(EXTRACTOR, OTHERS, prefix='x')
    outputs = [output_of(i) for i in range(50)]
    metric.process({}, outputs)
    features = metric.extractor(torch.stack([o['images'] for o in outputs]))
    rows = features['features'].double()
    theirs = metric.reference.features(torch.device('cpu')).double()
    wanted = frechet_distance(rows.mean(0), rows.T.cov(), theirs.mean(0),
                              theirs.T.cov())
    assert metric.evaluate(50) == {'x/fd': pytest.approx(wanted, rel=1e-4)}


def test_the_distance_of_other_real_images_is_the_floor():
    real, plain = (evaluate(103, 16, [FrechetDistance(
        EXTRACTOR, OTHERS, **more)]) for more in ({'real': IMAGES}, {}))
    moments = [FrechetDistance(EXTRACTOR, images).reference.moments('cpu')
               for images in (IMAGES, OTHERS)]
    assert real == {**plain, 'generation/fd_real': frechet_distance(
        *moments[0], *moments[1])}
    assert real['generation/fd_real'] > 1e-3
    same = FrechetDistance(EXTRACTOR, OTHERS, real=OTHERS)
    assert evaluate(103, 16, [same])['generation/fd_real'] == pytest.approx(
        0, abs=1e-6)


def test_the_extrapolated_distance_needs_enough_images():
    many = {'type': 'ToyImages', 'seed': 1, 'num_images': 130}
    metric = FrechetInfinity(EXTRACTOR, many, real={**many, 'seed': 2})
    found = evaluate(140, 16, [metric])
    assert found.keys() == {'generation/fd_infinity',
                            'generation/fd_infinity_real'}
    plain = evaluate(140, 16, [FrechetDistance(EXTRACTOR, many)])
    assert found['generation/fd_infinity'] < plain['generation/fd']
    assert evaluate(40, 16, [metric]) == {}


def test_real_representations_have_a_floor_of_their_own():
    """As those of images have: what appendix B.1 of the paper compares."""
    encoder = dict(type='ToyEncoder')
    metrics = [RepresentationFrechetDistance(
        encoder, reference, name=name, real=IMAGES)
        for reference, name in ((IMAGES, 'fd_train'), (OTHERS, 'fd_val'))]
    found = evaluate(103, 16, metrics)
    assert set(found) == {f'representation/{name}' for name in (
        'fd_train', 'fd_train_real', 'fd_val', 'fd_val_real')}
    moments = [metric.reference.moments('cpu') for metric in metrics]
    assert found['representation/fd_val_real'] == frechet_distance(
        *moments[0], *moments[1])
    assert found['representation/fd_train_real'] == pytest.approx(0, abs=1e-6)


def test_metrics_share_the_network_and_its_passes():
    evaluator = Evaluator([METRICS.build(cfg) for cfg in CONFIGS])
    extractor = evaluator.metrics[0].extractor
    assert all(metric.extractor is extractor
               for metric in evaluator.metrics[1:5])
    for start in (0, 10):
        evaluator.process([output_of(i) for i in range(start, start + 10)])
    assert extractor.module.num_calls == 2


def test_each_evaluation_starts_afresh():
    evaluator = Evaluator([METRICS.build(cfg) for cfg in CONFIGS])
    results = []
    for _ in range(2):
        evaluator.process([output_of(i) for i in range(30)])
        results.append(evaluator.evaluate(30))
    assert results[0] == results[1]


@pytest.mark.parametrize('cls', [FrechetDistance, InceptionScore])
def test_missing_samples_are_an_error_and_forgotten(cls):
    arguments = {} if cls is InceptionScore else {'reference': IMAGES}
    metric = cls(EXTRACTOR, **arguments)
    metric.process({}, [output_of(i) for i in range(20)])
    with pytest.raises(RuntimeError, match='5 of 25 samples are missing'):
        metric.evaluate(25)
    metric.process({}, [output_of(i) for i in range(20)])
    assert len(metric.evaluate(20)) >= 1


def test_a_sample_that_came_twice_in_the_middle_is_an_error():
    metric = FrechetDistance(EXTRACTOR, IMAGES)
    for indices in ([0, 1], [0, 1], [2, 3]):
        metric.process({}, [output_of(i) for i in indices])
    with pytest.raises(RuntimeError, match='came twice'):
        metric.evaluate(4)


def test_representations_that_are_not_finite():
    metric = RepresentationFrechetDistance({'type': 'ToyEncoder'}, IMAGES)
    metric.process({}, [{'index': i, 'representations': torch.tensor(
        [1., float('nan'), 0.])} for i in range(3)])
    with pytest.raises(ValueError, match='NaN'):
        metric.evaluate(3)


def test_outputs_of_another_kind_of_model():
    with pytest.raises(KeyError, match="'representations'"):
        RepresentationFrechetDistance({'type': 'ToyEncoder'}, IMAGES).process(
            {}, [{'index': 0, 'images': None}])
    with pytest.raises(KeyError, match="'index'"):
        Accuracy().process({}, [{'correct': True}])


def reconstruction(images, originals):
    metric = ReconstructionError()
    metric.process({}, [{'index': i, 'images': a, 'originals': b}
                        for i, (a, b) in enumerate(zip(images, originals,
                                                       strict=True))])
    return metric.evaluate(len(images))['reconstruction/psnr']


def test_psnr():
    images = torch.full((2, 3, 4, 4), 100, dtype=torch.uint8)
    others = images.clone()
    others[0] += 10  # mean squared error over all pixels: 50
    assert reconstruction(images, others) == pytest.approx(
        10 * math.log10(255**2 / 50), rel=1e-6)
    assert reconstruction(others, images) == reconstruction(images, others)
    assert reconstruction(images, images) == 100
    with pytest.raises(ValueError, match='size of the originals'):
        reconstruction(images[..., :2], images)


def test_accuracy_in_percent():
    metric = Accuracy()
    metric.process({}, [{'index': i, 'correct': i < 3} for i in range(4)])
    assert metric.evaluate(4) == {'classifier/accuracy': 75}
