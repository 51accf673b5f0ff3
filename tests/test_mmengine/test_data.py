"""Stock samplers, loops, datasets and schedules of MMEngine and torch."""
import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset
from mmengine.hooks import Hook
from mmengine.optim import CosineAnnealingLR
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch.utils.data import ConcatDataset, DataLoader, Subset

from rcg.datasets import ArrayDataset, KeyedDataset
from rcg.engine import RcgRunner, load_config
from rcg.registry import DATASETS, HOOKS, TRANSFORMS
from tests.test_engine.running import CONFIG, build_runner

QUIET = dict(val_cfg=None, val_dataloader=None, val_evaluator=None)
LOOPS = {
    'EpochBasedTrainLoop': dict(type='EpochBasedTrainLoop', max_epochs=3),
    'IterBasedTrainLoop': dict(type='IterBasedTrainLoop', max_iters=21),
}
COMBINATIONS = [('EpochBasedTrainLoop', 'DefaultSampler'),
                ('IterBasedTrainLoop', 'DefaultSampler'),
                ('IterBasedTrainLoop', 'InfiniteSampler')]


@DATASETS.register_module()
class StockImages(ArrayDataset):
    """26 images of 4x4; pixels tell which crop was taken."""

    def __init__(self, pipeline=(), num_images=26):
        images = np.arange(num_images * 48) % 251
        super().__init__(images.reshape(-1, 4, 4, 3).astype(np.uint8),
                         None, None, pipeline)


@DATASETS.register_module()
class StockBaseDataset(BaseDataset):
    """MMEngine's base class; its items have images alone."""

    def load_data_list(self):
        return [dict(value=i) for i in range(26)]

    def prepare_data(self, idx):
        value = self.get_data_info(idx)['value']
        return {'images': torch.full((3, 2, 2), value, dtype=torch.uint8)}


@HOOKS.register_module()
class KeyLog(Hook):
    """Notes the batches of training."""

    def __init__(self):
        self.rows = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.rows += zip(data_batch['indices'].tolist(),
                         map(tuple, data_batch['keys'].tolist()),
                         data_batch['images'].clone(), strict=True)


def trained(folder, loop, dataset, sampler='StreamSampler', workers=0,
            **options):
    """Train; what was read: index, key and image of each visit."""
    runner = build_runner(folder, train_cfg=dict(_delete_=True, **loop),
                          train_dataloader__num_workers=workers,
                          custom_hooks=[dict(type='KeyLog')], **QUIET,
                          **options)
    if isinstance(dataset, dict):
        runner._train_dataloader['dataset'] = dataset
    else:
        runner._train_dataloader = dict(runner._train_dataloader.to_dict(),
                                        dataset=dataset)
    runner._train_dataloader['sampler'] = dict(type=sampler)
    runner.train()
    return next(h for h in runner.hooks if isinstance(h, KeyLog)).rows


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr('time.sleep', lambda seconds: None)


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize(('loop', 'sampler'), COMBINATIONS)
def test_stock_samplers_give_each_visit_its_own_numbers(tmp_path, loop,
                                                        sampler, workers):
    crop = [dict(type='RandomCrop', size=2)]
    rows = trained(tmp_path, LOOPS[loop],
                   dict(type='StockImages', pipeline=crop), sampler, workers)
    keys = [key for _, key, _ in rows]
    assert len(rows) >= 78
    assert len(set(keys)) == len(keys)
    crops = {}
    for index, _, image in rows:
        crops.setdefault(index, set()).add(image[0, 0, 0].item())
    # Three visits with nine crops: one time in 81 all are alike.
    assert sum(len(seen) > 1 for seen in crops.values()) > 18
    assert [i for i, _, _ in rows[:26]] != [i for i, _, _ in rows[26:52]]


def test_datasets_of_ones_own_get_own_numbers_too(tmp_path):
    rows = trained(tmp_path, LOOPS['EpochBasedTrainLoop'],
                   dict(type='ToyDataset', size=26), 'DefaultSampler')
    assert len({key for _, key, _ in rows}) == len(rows) == 78


def test_a_resumed_epoch_loop_goes_on_with_new_numbers(tmp_path):
    options = dict(default_hooks__checkpoint__interval=7)
    data = dict(type='StockImages', pipeline=[dict(type='RandomCrop',
                                                   size=2)])
    loop = LOOPS['EpochBasedTrainLoop']
    whole = trained(tmp_path / 'a', loop, data, 'DefaultSampler', **options)
    trained(tmp_path / 'b', dict(loop, max_epochs=2), data, 'DefaultSampler',
            **options)
    rest = trained(tmp_path / 'b', loop, data, 'DefaultSampler', resume=True,
                   **options)
    assert [row[:2] for row in rest] == [row[:2] for row in whole[-len(rest):]]


@pytest.mark.parametrize('interval', [2, 7, 9])
def test_a_resumed_epoch_loop_repeats_no_epoch(tmp_path, interval):
    """Checkpoints are of whole epochs (7 iterations), which they count."""
    options = dict(default_hooks__checkpoint__interval=interval,
                   default_hooks__checkpoint__max_keep_ckpts=-1)
    data, loop = dict(type='ToyDataset', size=26), LOOPS['EpochBasedTrainLoop']
    whole = trained(tmp_path / 'a', loop, data, 'DefaultSampler', **options)
    names = {path.name for path in (tmp_path / 'a').glob('iter_*.pth')}
    first = {'iter_7.pth'} if interval < 8 else set()
    assert names == {'iter_14.pth', 'iter_21.pth'} | first
    rest = trained(tmp_path / 'b', loop, data, 'DefaultSampler', resume=True,
                   load_from=str(tmp_path / 'a' / 'iter_14.pth'), **options)
    assert [row[:2] for row in rest] == [row[:2] for row in whole[52:]]


@pytest.mark.parametrize('sampler', ['StreamSampler', 'InfiniteSampler'])
def test_an_epoch_without_end_is_refused(tmp_path, sampler):
    with pytest.raises(ValueError, match='ends with the epoch.*is endless'):
        trained(tmp_path, LOOPS['EpochBasedTrainLoop'],
                dict(type='StockImages'), sampler)


def test_a_stream_in_an_iteration_loop(tmp_path):
    crop = [dict(type='CenterCrop', size=2)]
    rows = trained(tmp_path, LOOPS['IterBasedTrainLoop'],
                   dict(type='StockImages', pipeline=crop))
    assert [key for _, key, _ in rows] == [(0, p) for p in range(84)]


@pytest.mark.parametrize('built', [False, True])
def test_repeated_numbers_are_refused_where_they_cannot_be_mended(tmp_path,
                                                                  built):
    cfg = load_config(CONFIG, {'work_dir': str(tmp_path),
                               **dict.fromkeys(QUIET)})
    cfg.optim_wrapper.optimizer = dict(type='AdamW', lr=.01)
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)
    cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
    runner = (RcgRunner if built else Runner).from_cfg(cfg)
    if built:
        runner._train_dataloader = DataLoader(
            DATASETS.build(dict(type='rcg.StockImages')), 4, shuffle=True)
    with pytest.raises(ValueError, match='yields plain indices.*Set '
                                         r'train_dataloader.sampler=dict\('
                                         "type='StreamSampler'"):
        runner.train()


@DATASETS.register_module()
class StockFiles(BaseDataset):
    """MMEngine's, with transforms; pixels tell which crop was taken."""

    def load_data_list(self):
        pixels = np.arange(26 * 48).reshape(-1, 4, 4, 3) % 251
        return [dict(img=image.astype(np.uint8)) for image in pixels]


@TRANSFORMS.register_module()
class PackForModel(BaseTransform):
    """What a user's pipeline ends with."""

    def transform(self, results):
        pixels = np.ascontiguousarray(results['img'].transpose(2, 0, 1))
        return {'images': torch.from_numpy(pixels)}


def transformed(kind):
    """26 images: random crops of 2x2, mirrored or not."""
    inside = dict(type='StockFiles', pipeline=[
        dict(type='RandomCrop', size=2), dict(type='RandomFlip'),
        dict(type='PackForModel')])
    if kind == 'BaseDataset':
        return inside
    if kind == 'RepeatDataset':
        return dict(type='RepeatDataset', dataset=inside, times=1)
    inside['type'] = 'rcg.StockFiles'
    with DefaultScope.overwrite_default_scope('rcg'):
        built = DATASETS.build(inside)
    if kind == 'Subset':
        return Subset(built, range(26))
    return ConcatDataset([Subset(built, range(10)),
                          Subset(built, range(10, 26))])


@pytest.mark.parametrize('kind', [
    'BaseDataset', 'RepeatDataset', 'Subset', 'ConcatDataset'])
def test_our_transforms_in_pipelines_of_stock_datasets(tmp_path, kind):
    loop = dict(type='StreamTrainLoop', max_iters=39)
    rows = trained(tmp_path / kind, loop, transformed(kind),
                   workers=2 if kind == 'ConcatDataset' else 0)
    pipeline = [dict(type='RandomCrop', size=2), dict(type='RandomFlip')]
    alone = trained(tmp_path / 'alone', loop,
                    dict(type='StockImages', pipeline=pipeline))
    for row, other in zip(rows, alone, strict=True):
        assert row[:2] == other[:2]
        assert torch.equal(row[2], other[2])
    # Places of crops and flips do not hang together.
    views = {}
    for index, _, image in rows:
        views.setdefault(index, []).append(image)
    assert sum(len(torch.stack(v).unique(dim=0)) > 2
               for v in views.values()) > 24


def test_random_transforms_without_a_visit_are_refused():
    with DefaultScope.overwrite_default_scope('rcg'):
        dataset = DATASETS.build(transformed('BaseDataset'))
        central = DATASETS.build(dict(type='StockFiles', pipeline=[
            dict(type='CenterCrop', size=2)]))
    with pytest.raises(ValueError, match='RandomCrop is random.*'
                                         "type='KeyedDataset'"):
        dataset[0]
    assert central[0]['img'].shape == (2, 2, 3)
    with pytest.raises(TypeError, match=r"have 'img'.*dict\(images="):
        KeyedDataset(central)[0]


def stock_dataset(kind):
    if kind == 'BaseDataset':
        return dict(type='StockBaseDataset')
    images = DATASETS.build(dict(type='rcg.StockImages', pipeline=[
        dict(type='RandomCrop', size=2)]))
    if kind == 'Subset':
        return Subset(images, range(25, -1, -1))
    return ConcatDataset([Subset(images, range(10)), Subset(
        images, range(10, 26))])


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('kind', ['BaseDataset', 'Subset', 'ConcatDataset'])
def test_stock_datasets_under_the_stream(tmp_path, kind, workers):
    loop = dict(type='StreamTrainLoop', max_iters=20)
    rows = trained(tmp_path, loop, stock_dataset(kind), workers=workers)
    assert [key for _, key, _ in rows] == [(0, p) for p in range(80)]
    assert sorted(i for i, _, _ in rows[:26]) == list(range(26))
    if kind == 'BaseDataset':
        assert all((image == i).all() for i, _, image in rows)
        return
    views = {}
    for index, _, image in rows:
        views.setdefault(index, []).append(image)
    assert sum(len(torch.stack(v).unique(dim=0)) > 1
               for v in views.values()) > 18


def test_items_that_are_no_dicts_are_explained(tmp_path):
    pairs = torch.utils.data.TensorDataset(torch.zeros(26, 3, 2, 2))
    with pytest.raises(TypeError, match='must be dicts.*got tuple'):
        trained(tmp_path, dict(type='StreamTrainLoop', max_iters=1),
                Subset(pairs, range(26)))


def test_features_of_stock_datasets_cannot_be_stored(tmp_path):
    runner = build_runner(tmp_path, **QUIET, custom_hooks=[dict(
        type='CacheFeaturesHook', cache_dir=str(tmp_path / 'features'),
        names=['representations'])])
    runner._train_dataloader['dataset'] = dict(type='StockBaseDataset')
    with pytest.raises(ValueError, match='StockBaseDataset has no '
                                         'fingerprint'):
        runner.train()


def rates(folder, schedulers, **options):
    """The learning rate of every iteration; the batch's is 1."""
    runner = build_runner(
        folder, **QUIET, custom_hooks=[], param_scheduler=None,
        optim_wrapper__optimizer__base_lr=64., **options)
    runner.param_schedulers = schedulers
    seen, call_hook = [], runner.call_hook

    def note(name, **kwargs):
        if name == 'before_train_iter':
            seen.append(runner.optim_wrapper.get_lr()['lr'][0])
        call_hook(name, **kwargs)

    runner.call_hook = note
    runner.train()
    return seen


@pytest.mark.parametrize('loop', [
    dict(type='StreamTrainLoop', max_iters=20),
    dict(type='EpochBasedTrainLoop', max_epochs=3)])
def test_epochs_converted_to_iterations(tmp_path, loop):
    """``convert_to_iter_based``; an epoch has seven iterations."""
    seen = rates(tmp_path, [
        dict(type='LinearLR', start_factor=.5, begin=0, end=1, by_epoch=True,
             convert_to_iter_based=True),
        dict(type=CosineAnnealingLR, begin=1, convert_to_iter_based=True)],
        train_cfg=dict(_delete_=True, **loop),
        train_dataloader__sampler__type='DefaultSampler'
        if 'max_epochs' in loop else 'StreamSampler')
    assert seen[0] == .5
    assert seen[6] == pytest.approx(1)
    length = len(seen) - 7
    assert seen[7:] == pytest.approx([
        .5 + .5 * np.cos(np.pi * i / length) for i in range(length)],
        abs=1e-6)


def test_epochs_of_a_loop_without_epochs_are_refused(tmp_path):
    with pytest.raises(ValueError, match='StepLR counts epochs.*'
                                         'convert_to_iter_based=True'):
        rates(tmp_path, dict(type='StepLR', step_size=2))


def test_shares_by_epoch_or_not_decay_alike(tmp_path):
    seen = rates(tmp_path, dict(type='CosineAnnealingLR', begin=0., end=1.),
                 train_cfg__max_iters=10)
    assert seen == pytest.approx([.5 + .5 * np.cos(np.pi * i / 10)
                                  for i in range(10)], abs=1e-6)
