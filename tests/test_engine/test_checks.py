"""What is wrong is said before the first step."""
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from rcg.datasets import Digits, ImageFolder, SeedDataset
from rcg.engine import load_config
from rcg.engine.checks import (
    _num_classes,
    check_classes,
    check_drawn_classes,
)
from rcg.registry import METRICS, RUNNERS

from ..test_evaluation import toy as evaluation  # noqa: F401  its types
from .running import build_runner, scalars

HOOK = 'default_hooks__checkpoint__save_best'


def stopping(monitor):
    return dict(custom_hooks=[dict(
        type='EarlyStoppingHook', monitor=monitor, rule='less')])


@pytest.mark.parametrize('options', [
    {HOOK: 'auto'}, {HOOK: 'psnr'}, {HOOK: 'generation/mean'},
    {HOOK: 'toy'}, stopping('mean'), stopping('tyo/mean'),
    dict(default_hooks__checkpoint=dict(
        _delete_=True, type='CheckpointHook', by_epoch=False,
        save_best=['toyy/mean'], rule='less'))])
def test_scores_that_validations_do_not_give(tmp_path, options):
    with pytest.raises(ValueError, match='is no score of the validation, '
                                         r'which gives toy/\.\.\.'):
        build_runner(tmp_path, **options).train()
    assert scalars(tmp_path) == {}


def test_scores_without_a_validation(tmp_path):
    options = dict.fromkeys(('val_cfg', 'val_dataloader', 'val_evaluator'))
    with pytest.raises(ValueError, match="save_best='toy/mean' of Plain.* "
                                         'needs validations'):
        build_runner(tmp_path, **{HOOK: 'toy/mean'}, **options).train()


def test_metrics_of_ours_tell_all_names(tmp_path):
    """A wrong name after a right prefix is known, too."""
    with pytest.raises(ValueError, match=(
            "save_best='reconstruction/psnrr' of .* which gives "
            'reconstruction/psnr, reconstruction/ssim')):
        build_runner(tmp_path, **{HOOK: 'reconstruction/psnrr'},
                     val_evaluator=[dict(type='ReconstructionError'),
                                    dict(type='StructuralSimilarity')]
                     ).train()
    common = dict(extractor=dict(type='ToyExtractor'),
                  reference=dict(type='ToyImages'))
    for cfg, wanted in (
            (dict(type='FrechetDistance', name='x', **common), ('x', )),
            (dict(type='KernelDistance', **common), ('kid', 'kid_std')),
            (dict(type='PrecisionRecall', **common),
             ('precision', 'recall')),
            (dict(type='KNNAccuracy'), ('knn_accuracy', ))):
        assert METRICS.build(cfg).reports == wanted


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp('folders')
    for name in ('cats', 'dogs'):
        (root / name).mkdir()
        for i in range(4):
            Image.fromarray(np.full((2, 2, 3), 9 * i, np.uint8)).save(
                root / name / f'{i}.png')
    return root


@pytest.mark.parametrize(('changes', 'wrong'), [
    ({'model.generator.network.condition.num_classes': 5},
     'model.generator.network.condition.num_classes=5'),
    ({'model.generator.network.condition.num_classes': 1},
     'model.generator.network.condition.num_classes=1'),
    ({'custom_hooks.1.num_classes': 10}, 'custom_hooks.1.num_classes=10'),
    ({'test_dataloader.dataset.num_classes': 3},
     'test_dataloader.dataset.num_classes=3')])
def test_other_numbers_of_classes(tmp_path, folders, changes, wrong):
    two = {'model.generator.network.condition.num_classes': 2,
           'custom_hooks.1.num_classes': 2,
           'test_dataloader.dataset.num_classes': 2}
    cfg = load_config('configs/digits/mage_class_cond.py', {
        'work_dir': str(tmp_path), 'train_dataloader.batch_size': 4,
        'model.tokenizer.checkpoint': None, **two, **changes})
    cfg.train_dataloader.dataset = dict(type='ImageFolder',
                                        data_root=str(folders))
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    with pytest.raises(ValueError, match=(
            f'^{re.escape(wrong)}, but the training data have 2 classes '
            r'\(cats, dogs\): set num_classes=2 there')):
        RUNNERS.build(cfg).train()


def checked(dataset, said=None, **cfg):
    """What a training on a dataset is told of its classes."""
    check_classes(SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=dataset), cfg=cfg,
        logger=SimpleNamespace(warning=said)))


@pytest.mark.parametrize(('number', 'right'), [(9, 10), (12, 10)])
def test_classes_of_arrays(number, right):
    """Digits; CIFAR-10 says its classes in the same way."""
    dataset = Digits('train')
    checked(dataset, model=dict(num_classes=right))
    with pytest.raises(ValueError, match=(
            f'^model.num_classes={number}, but the training data have 10 ')):
        checked(dataset, model=dict(num_classes=number))


def test_classes_without_images_are_asked_for(folders):
    """By their names, which give the labels their order, too."""
    model = dict(num_classes=3)
    with pytest.raises(ValueError, match=r'ImageFolder\(classes='):
        checked(ImageFolder(folders), model=model)
    dataset = ImageFolder(folders, classes=['owls', 'dogs', 'cats'])
    checked(dataset, model=model)
    assert dataset.labels.tolist() == [2] * 4 + [1] * 4
    with pytest.raises(ValueError, match=r"'dogs/0.png' is in none of .*"
                                         r"\['cats', 'owls'\]"):
        ImageFolder(folders, classes=['cats', 'owls'])


def test_labels_that_are_missing(folders):
    """Said before the features of all images are computed."""
    flat = ImageFolder(folders / 'cats')
    checked(flat, model=dict(type='no classes'),
            test_dataloader=dict(num_classes=2))
    with pytest.raises(ValueError, match=(
            'model.num_classes=2, but the training data have no labels')):
        checked(flat, model=dict(num_classes=2))


@pytest.mark.parametrize('number', [None, 1, 2])
def test_images_of_classes_that_a_model_has(number):
    runner = SimpleNamespace(cfg=dict(model=dict(num_classes=2)))
    check_drawn_classes(runner, SeedDataset(4, num_classes=number), 'x')


def test_images_of_classes_that_a_model_has_not(tmp_path):
    """A test would end with an IndexError."""
    cfg = load_config('configs/digits/mage_class_cond.py', {
        'work_dir': str(tmp_path), 'model.tokenizer.checkpoint': None,
        'test_dataloader.dataset.num_classes': 11,
        'test_evaluator': [dict(type='ToyMetric')]})
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    with pytest.raises(ValueError, match=(
            '^test_dataloader.dataset.num_classes=11, but .*num_classes=10: '
            'images can be drawn of 10 classes at most')):
        RUNNERS.build(cfg).test()


@pytest.mark.parametrize(('number', 'warned'), [(1000, True), (3, False)])
def test_a_part_of_imagenet_may_be_tried(number, warned):
    dataset = SimpleNamespace(labels=[0, 1], classes=('a', 'b'),
                              published_classes=1000)
    said, data = [], SimpleNamespace(dataset=dataset)
    if warned:
        checked(data, said.append, model=dict(num_classes=number))
        assert 'the training data have 2 classes (a, b)' in said[0]
    else:
        with pytest.raises(ValueError, match='model.num_classes=3, but'):
            checked(data, model=dict(num_classes=number))


def test_classes_of_a_frozen_encoder_are_its_own():
    """It may have learned from other data."""
    model = dict(encoder=dict(num_classes=1000), rdm=dict(num_classes=2),
                 generator=dict(network=dict(num_classes=0)))
    assert dict(_num_classes(model, 'model')) == {'model.rdm.num_classes': 2}
