"""Stock MMEngine hooks, backends, runners and strategies with our parts."""
import pytest
import torch

from rcg.checkpoint import find_checkpoint, read_checkpoint

from .test_engine.running import build_runner, scalars


def by_epoch():
    """Three epochs of seven iterations."""
    return dict(
        train_cfg=dict(_delete_=True, type='EpochBasedTrainLoop',
                       max_epochs=3),
        train_dataloader__sampler=dict(
            _delete_=True, type='DefaultSampler', shuffle=True),
        param_scheduler=[
            dict(type='ConstantLR', factor=.5, by_epoch=True, end=2)])


def checkpoint_hook(**arguments):
    return dict(_delete_=True, type='CheckpointHook', **arguments)


def test_checkpoint_hook_writes_what_our_runner_resumes(tmp_path):
    """Interval, last and newest checkpoints, counted in iterations."""
    def build(name, **options):
        return build_runner(
            tmp_path / name, **options,
            default_hooks__checkpoint=checkpoint_hook(
                interval=4, by_epoch=False, max_keep_ckpts=2))

    whole = build('whole')
    whole.train()
    names = sorted(p.name for p in (tmp_path / 'whole').glob('*.pth'))
    assert names == ['iter_10.pth', 'iter_8.pth']
    assert find_checkpoint(tmp_path / 'whole').endswith('iter_10.pth')
    assert read_checkpoint(tmp_path / 'whole/iter_8.pth')['meta']['iter'] == 8

    path = tmp_path / 'whole' / 'iter_8.pth'
    other = build('other', resume=True, load_from=str(path))
    other.train()
    assert sorted(scalars(tmp_path / 'other')) == [9, 10]
    for name, value in whole.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], value), name


def test_last_checkpoint_of_a_moved_folder_is_found(tmp_path):
    def build(name, **options):
        return build_runner(
            tmp_path / name, train_cfg__max_iters=4, **options,
            default_hooks__checkpoint=checkpoint_hook(
                interval=2, by_epoch=False))

    build('first').train()
    (tmp_path / 'first' / 'last_checkpoint').write_text(
        str(tmp_path / 'first' / 'iter_2.pth'))
    (tmp_path / 'first').rename(tmp_path / 'moved')
    build('moved', resume=True).train()
    assert find_checkpoint(tmp_path / 'moved') == str(
        tmp_path / 'moved' / 'iter_4.pth')


def test_checkpoint_hook_counts_epochs(tmp_path):
    def build(name, **options):
        return build_runner(
            tmp_path / name, **by_epoch(), **options,
            default_hooks__checkpoint=checkpoint_hook(
                interval=2, by_epoch=True, save_last=True))

    whole = build('whole')
    whole.train()
    meta = read_checkpoint(tmp_path / 'whole' / 'epoch_2.pth')['meta']
    assert (meta['epoch'], meta['iter']) == (2, 14)  # 26 images, 4 a batch
    assert (tmp_path / 'whole' / 'epoch_3.pth').is_file()
    other = build('other', resume=True,
                  load_from=str(tmp_path / 'whole' / 'epoch_2.pth'))
    other.train()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], value), name


@pytest.mark.parametrize('best', ['auto', 'toy/mean', ['toy/mean']])
def test_checkpoint_hook_keeps_the_best(tmp_path, best):
    build_runner(tmp_path, default_hooks__checkpoint=checkpoint_hook(
        interval=5, by_epoch=False, save_best=best, rule='less',
        published_keys=['state_dict', 'meta'])).train()
    found, = (p for p in tmp_path.glob('best_toy_mean_iter_*.pth')
              if '-' not in p.name)
    content = read_checkpoint(found)
    assert 'optimizer' not in content
    assert found.name == f'best_toy_mean_iter_{content["meta"]["iter"]}.pth'
    published, = tmp_path.glob('iter_10-*.pth')
    assert set(read_checkpoint(published)) == {'state_dict', 'meta'}


def test_checkpoint_hook_leaves_out_the_optimizer(tmp_path):
    build_runner(tmp_path, train_cfg__max_iters=2,
                 default_hooks__checkpoint=checkpoint_hook(
                     by_epoch=False, save_optimizer=False,
                     save_param_scheduler=False, out_dir=str(tmp_path / 'o'),
                     backend_args=dict(backend='local'))).train()
    path = tmp_path / 'o' / tmp_path.name / 'iter_2.pth'
    assert find_checkpoint(tmp_path) == str(path)
    assert not {'optimizer', 'param_schedulers'} & set(read_checkpoint(path))


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_checkpoint_hook_with_the_arguments_of_old_configs(tmp_path):
    build_runner(tmp_path, train_cfg__max_iters=2,
                 default_hooks__checkpoint=checkpoint_hook(
                     by_epoch=False,
                     file_client_args=dict(backend='disk'))).train()
    assert (tmp_path / 'iter_2.pth').is_file()
