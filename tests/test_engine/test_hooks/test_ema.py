"""Who sees the weight average, and what of it is saved."""

import pytest
import torch

from rcg.checkpoint import read_checkpoint
from rcg.engine import TrainableEMA, TrainableEMAHook

from ..running import build_runner


def find_hook(runner):
    return next(h for h in runner.hooks if isinstance(h, TrainableEMAHook))


def test_evaluation_has_the_average_and_training_goes_on_without(tmp_path):
    runner = build_runner(tmp_path, train_cfg__max_iters=4)
    hook, seen = find_hook(runner), []
    run = runner.val_loop.run

    def look():
        trained = runner.model.net[0].weight.clone()
        averaged = hook.ema_model.module.net[0].weight.clone()
        runner.call_hook('before_val_epoch')
        seen.append(torch.equal(runner.model.net[0].weight, averaged))
        runner.call_hook('after_val_epoch', metrics={})
        seen.append(torch.equal(runner.model.net[0].weight, trained))
        return run()

    runner.val_loop.run = look
    runner.train()
    assert seen == [True, True]
    assert hook.ema_model.num_updates == 4


def test_average_starts_from_what_was_loaded(tmp_path):
    build_runner(tmp_path / 'a', train_cfg__max_iters=2).train()
    runner = build_runner(tmp_path / 'b', load_from=str(tmp_path / 'a'),
                          train_cfg__max_iters=0)
    runner.train()
    loaded = torch.load(tmp_path / 'a' / 'iter_2.pth', weights_only=True)
    average = find_hook(runner).ema_model.module
    assert torch.equal(average.net[0].weight.cpu(),
                       loaded['state_dict']['net.0.weight'])


def test_testing_alone_makes_no_copy(tmp_path):
    runner = build_runner(tmp_path)
    runner.test()
    assert find_hook(runner).ema_model is None


def test_context_gives_the_weights_back_after_an_error(tmp_path):
    runner = build_runner(tmp_path, train_cfg__max_iters=2)
    runner.train()
    before = runner.model.net[0].weight.clone()
    try:
        with find_hook(runner).averaged_weights():
            assert not torch.equal(runner.model.net[0].weight, before)
            raise RuntimeError
    except RuntimeError:
        pass
    assert torch.equal(runner.model.net[0].weight, before)


def test_average_may_take_the_weights_before_each_step(tmp_path):
    # As the published RDM's: with decay 0 the average is what was taken.
    runner = build_runner(tmp_path, train_cfg__max_iters=3, custom_hooks=[
        dict(type='TrainableEMAHook', decay=0., before_step=True)])
    hook, trained = find_hook(runner), []
    after = hook.after_train_iter

    def note(*args, **kwargs):
        after(*args, **kwargs)
        trained.append(runner.model.net[0].weight.clone())

    hook.after_train_iter = note
    runner.train()
    averaged = hook.ema_model.module.net[0].weight
    assert torch.equal(averaged, trained[-2])
    assert not torch.equal(averaged, trained[-1])
    assert hook.ema_model.num_updates == 3


@pytest.mark.parametrize('before', [True, False])
def test_accumulated_batches_are_one_update(tmp_path, before):
    runner = build_runner(
        tmp_path, train_cfg__max_iters=10, custom_hooks=[
            dict(type='TrainableEMAHook', before_step=before)],
        optim_wrapper__accumulative_counts=4,
        default_hooks__checkpoint__interval=4)
    hook, updates = find_hook(runner), []
    update = TrainableEMA.update_parameters

    def note(average, model):
        updates.append(runner.iter)
        update(average, model)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainableEMA, 'update_parameters', note)
        runner.train()
    # The last step has the two batches that are left.
    assert updates == ([0, 4, 8] if before else [3, 7, 9])
    assert hook.ema_model.num_updates == 3


def test_an_average_of_every_batch_is_as_it_was(tmp_path):
    """Taking weights before each step: the average of steps 0, 1, 2, ..."""
    runner = build_runner(tmp_path, train_cfg__max_iters=5, custom_hooks=[
        dict(type='TrainableEMAHook', decay=.8, before_step=True)])
    hook, average, n = find_hook(runner), None, 0
    step = runner.call_hook

    def follow(name, **kwargs):
        nonlocal average, n
        if name == 'before_train_iter':
            n += 1
            weight = runner.model.net[0].weight.detach().clone()
            average = weight.clone() if average is None else average
            torch._foreach_lerp_([average], [weight],
                                 1 - min(.8, (1 + n) / (10 + n)))
        step(name, **kwargs)

    runner.call_hook = follow
    runner.train()
    assert torch.equal(hook.ema_model.module.net[0].weight, average)


def test_a_checkpoint_before_training_has_no_average(tmp_path):
    runner = build_runner(tmp_path)
    runner.train_loop  # noqa: B018 - builds the data, which it names
    runner.save_checkpoint(str(tmp_path), 'a.pth', save_optimizer=False,
                           save_param_scheduler=False)
    saved = read_checkpoint(tmp_path / 'a.pth')
    assert 'ema_state_dict' not in saved
    for name, value in runner.model.state_dict().items():
        assert torch.equal(saved['state_dict'][name], value)
