"""What is wrong is said before the first step."""
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from rcg.engine import load_config
from rcg.engine.checks import _num_classes, check_classes
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


@pytest.mark.parametrize(('number', 'warned'), [(1000, True), (3, False)])
def test_a_part_of_imagenet_may_be_tried(number, warned):
    dataset = SimpleNamespace(labels=[0, 1], classes=('a', 'b'),
                              published_classes=1000)
    said = []
    runner = SimpleNamespace(
        train_dataloader=SimpleNamespace(
            dataset=SimpleNamespace(dataset=dataset)),
        cfg=dict(model=dict(num_classes=number)),
        logger=SimpleNamespace(warning=said.append))
    if warned:
        check_classes(runner)
        assert 'the training data have 2 classes (a, b)' in said[0]
    else:
        with pytest.raises(ValueError, match='model.num_classes=3, but'):
            check_classes(runner)


def test_classes_of_a_frozen_encoder_are_its_own():
    """It may have learned from other data."""
    model = dict(encoder=dict(num_classes=1000), rdm=dict(num_classes=2),
                 generator=dict(network=dict(num_classes=0)))
    assert dict(_num_classes(model, 'model')) == {'model.rdm.num_classes': 2}
