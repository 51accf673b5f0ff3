"""tools/cache_features.py: what it stores, a training reads."""
from rcg.checkpoint import read_checkpoint

from ..test_engine.running import CONFIG, build_runner, run_tool


def test_a_training_reads_what_the_tool_has_stored(tmp_path):
    """With the hook that it prints, and without computing anything."""
    done = run_tool('cache_features.py', CONFIG, '--work-dir', tmp_path / 'a',
                    '--cfg-options', 'model.part.checkpoint=a',
                    'model.part.sha256=b', '--dtype', 'float16')
    folder, = (tmp_path / 'a' / 'features').iterdir()
    hook = dict(type='CacheFeaturesHook', cache_dir=str(folder.parent),
                num_workers=0, dtype='float16')
    items = ', '.join(f'{key}={value!r}' for key, value in hook.items())
    assert done.stdout.splitlines()[-2:] == [
        f'all features are in {folder}',
        f'train on them: custom_hooks = [dict({items})]']
    rows = read_checkpoint(folder / '000_000000000.safetensors')
    assert rows['representations'].shape == (26, 4)
    assert rows['representations'].element_size() == 2
    runner = build_runner(
        tmp_path / 'b', custom_hooks=[
            dict(hook, compute=False, names=['representations'])],
        model__part=dict(checkpoint='a', sha256='b'), train_cfg__max_iters=2)
    runner.train()
    assert runner.train_dataloader.dataset.features[
        'representations'].files == (f'{folder}/000_000000000.safetensors',)
