"""What may change when a run goes on, and states that come back."""
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from rcg.checkpoint import CheckpointError
from rcg.engine import TrainableEMAHook
from rcg.engine.resume import check_same_run, describe_run, flatten


def run(config=None, **changes):
    return {'config': flatten(config or {}), 'samples_per_iteration': 8,
            'dataset_size': 100, 'frozen_parts': {}, **changes}


def config(**changes):
    return {'model': {'type': 'M', 'depth': 2}, 'work_dir': 'a',
            'train_cfg': {'max_iters': 10},
            'env_cfg': {'float32': 'high'},
            'custom_hooks': [{'type': 'TrainableEMAHook', 'decay': .9}],
            **changes}


@pytest.mark.parametrize('changes', [
    {'work_dir': 'b', 'launcher': 'slurm', 'resume': True, 'load_from': 'x'},
    {'train_cfg': {'max_iters': 20, 'val_interval': 3}},
    {'val_dataloader': {'batch_size': 3}, 'val_cfg': None},
    {'default_hooks': {'logger': {'interval': 3}}},
    {'train_dataloader': {'num_workers': 8, 'dataset': {'data_root': 'y'}}},
    {'train_dataloader': {'dataset': {'max_memory': 0, 'bits': 16}}},
    {'custom_hooks': [{'type': 'SampleGridHook', 'interval': 9},
                      {'type': 'TrainableEMAHook', 'decay': .9}]},
    {'_mine': 3, 'data_root': 'elsewhere'},
    {'compile': True},
    {'compile': {'mode': 'max-autotune'}},
    {'find_unused_parameters': True},
    {'model_wrapper_cfg': {'type': 'MMDistributedDataParallel'}},
    {'activation_checkpointing': ['network']},
    {'env_cfg': {'cudnn_benchmark': True, 'mp_cfg': {'opencv_num_threads': 1},
                 'float32': 'high'}},
    {'visualizer': {'type': 'Visualizer'}, 'log_level': 'DEBUG'},
    {'env_cfg': {}, 'dataset_type': 'mine'},
    {'custom_hooks': [{'type': 'CacheFeaturesHook', 'cache_dir': 'b',
                       'names': ['codes']},
                      {'type': TrainableEMAHook, 'decay': .9}]},
    {'custom_hooks': [{'type': 'EmptyCacheHook', 'after_iter': True},
                      {'type': TrainableEMAHook, 'decay': .9}]},
])
def test_harmless(changes):
    check_same_run(run(config()), run(config(**changes)), 'a.pth')


@pytest.mark.parametrize(('changes', 'key'), [
    ({'model': {'type': 'M', 'depth': 3}}, 'model.depth: was 2, is 3'),
    ({'model': {'type': 'M'}}, "model.depth: was 2, is '(absent)'"),
    ({'optim_wrapper': {'optimizer': {'lr': 1.}}}, 'optim_wrapper.optimizer'),
    ({'custom_hooks': []}, 'custom_hooks.TrainableEMAHook.decay'),
    ({'custom_hooks': [{'type': 'EMAHook', 'momentum': .1}]},
     'custom_hooks.EMAHook.momentum'),
    ({'custom_hooks': [{'type': 'CacheFeaturesHook', 'views': 2},
                       {'type': 'TrainableEMAHook', 'decay': .9}]},
     'custom_hooks.CacheFeaturesHook.views'),
    ({'custom_hooks': [{'type': 'mmengine.EMAHook', 'momentum': .1}]},
     'custom_hooks.mmengine.EMAHook.momentum'),
    ({'train_cfg': {'type': 'EpochBasedTrainLoop'}}, 'train_cfg.type'),
    ({'randomness': {'seed': 1}}, 'randomness.seed'),
    ({'env_cfg': {'float32': 'highest'}}, 'env_cfg.float32: was'),
    ({'train_dataloader': {'sampler': {'seed': 1}}},
     'train_dataloader.sampler.seed'),
])
def test_refused_by_key(changes, key):
    with pytest.raises(CheckpointError) as caught:
        check_same_run(run(config()), run(config(**changes)), 'a.pth')
    assert key in str(caught.value)
    assert 'a.pth' in str(caught.value)


@pytest.mark.parametrize('key', ['samples_per_iteration', 'dataset_size'])
def test_refused_by_size(key):
    with pytest.raises(CheckpointError, match=f'{key}: was .*, is 5'):
        check_same_run(run(), run(**{key: 5}), 'a.pth')


def test_a_changed_frozen_part_is_named_with_both_files():
    old = {'encoder': {'checkpoint': 'old.pth', 'sha256': 'a'}}
    new = {'encoder': {'checkpoint': 'new.pth', 'sha256': 'b'}}
    moved = {'encoder': {'checkpoint': 'moved.pth', 'sha256': 'a'}}
    check_same_run(run(frozen_parts=old), run(frozen_parts=moved), 'x')
    with pytest.raises(CheckpointError, match='encoder.*old.pth.*new.pth'):
        check_same_run(run(frozen_parts=old), run(frozen_parts=new), 'x')


def test_flatten_treats_saved_tuples_as_lists():
    assert flatten({'betas': (.9, .95)}) == flatten({'betas': [.9, .95]})
    assert flatten({'a': [{'b': 1}, {'b': 2}], 'c': {}}) == {
        'a.0.b': 1, 'a.1.b': 2, 'c': '{}'}


def test_longer_run_changes_a_schedule_in_shares_only():
    loader = SimpleNamespace(batch_size=4, dataset=range(9))

    def describe(end, max_iters):
        return describe_run(Config({
            'train_cfg': {'max_iters': max_iters},
            'param_scheduler': [{'type': 'LinearLR', 'end': end}]}), loader,
            {})

    check_same_run(describe(5, 10), describe(5, 20), 'a.pth')
    with pytest.raises(CheckpointError, match='end: was 10, is 20'):
        check_same_run(describe(1., 10), describe(1., 20), 'a.pth')
