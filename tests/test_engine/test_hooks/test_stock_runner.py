"""The hooks ask for nothing that only rcg's Runner has."""
from mmengine.runner import Runner

from rcg.engine import load_config

from ..running import CONFIG, scalars


def test_hooks_work_in_a_stock_runner(tmp_path, capsys):
    cfg = load_config(CONFIG, {
        'work_dir': str(tmp_path), 'train_cfg.max_iters': 4,
        'train_cfg.val_interval': 4, 'param_scheduler': None,
        # Runners of one name in one second would share their logs.
        'experiment_name': 'hooks in a stock runner'})
    # What only rcg's Runner understands: a learning rate for any batch.
    cfg.optim_wrapper.optimizer = dict(type='AdamW', lr=.01)
    cfg.custom_hooks.append(dict(
        type='CacheFeaturesHook', cache_dir=str(tmp_path / 'features'),
        names=['representations']))
    Runner.from_cfg(cfg).train()
    assert sorted(scalars(tmp_path)) == [1, 2, 3, 4]
    assert (tmp_path / 'samples' / 'iter_4.png').is_file()
    assert (tmp_path / 'last_checkpoint').read_text() == 'iter_4.pth'
    assert 'features: representations of 26 images' in capsys.readouterr().out
