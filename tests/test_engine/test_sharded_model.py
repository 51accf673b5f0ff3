"""FSDP2 on two processes: bits, averages, and checkpoints of any layout."""
import pytest
import torch
from torch import nn

from rcg.checkpoint import read_checkpoint
from rcg.engine import RcgRunner, load_config
from rcg.engine.ema import _tree
from rcg.engine.sharded_model import blocks_of
from rcg.registry import HOOKS, PIXEL_GENERATORS
from tests.forked import call_in_two
from tests.test_engine.running import CONFIG, scalars
from tests.test_engine.test_runner import assert_same
from tests.test_mmengine.test_runners import ToyDataset8
from tests.test_models import tiny

SHARDED = dict(type='ShardedModel')


def config(folder, world=1, **options):
    cfg = load_config(CONFIG, {
        'work_dir': str(folder), 'train_cfg.max_iters': 3,
        'train_dataloader.batch_size': 4 // world,
        'optim_wrapper.clip_grad.max_norm': .1,
        'optim_wrapper.optimizer.base_lr': .1,
        'custom_hooks': [dict(type='TrainableEMAHook', decay=.9),
                         dict(type='NonFiniteHook')], **options})
    half = dict(dim=16, depth=2, num_heads=2)
    generator = tiny.generator()
    generator['network'].update(encoder=half, decoder=half)
    generator['mask_ratio'] = dict(per='image')
    cfg.model = dict(
        type='RCG', generator=generator, rdm=tiny.RDM,
        tokenizer=tiny.TOKENIZER, data_preprocessor=tiny.PREPROCESSOR,
        encoder=dict(tiny.ENCODER, widths=(32, 32), projector_hidden_dim=32))
    cfg.train_dataloader.dataset = dict(type=ToyDataset8.__name__)
    cfg.val_dataloader.dataset.num_images = 9  # 3 batches: 2 and 1
    cfg.val_evaluator = dict(type='ToyMetric')
    cfg.train_cfg.val_interval = 3
    if world > 1:
        cfg.launcher, cfg.model_wrapper_cfg = 'pytorch', SHARDED
    return cfg


def run(folder, world=1, load_from=None, **options):
    runner = RcgRunner.from_cfg(config(folder, world, **options))
    if load_from is not None:
        runner._resume, runner._load_from = True, str(load_from)
    runner.train()
    return runner


def sharded(folder):
    """In one of two processes."""
    runner = run(folder / 'whole', 2)
    for name, p in runner.model.module.named_parameters():
        assert p.to_local().numel() <= (p.numel() + 1) // 2 or (
            p.shape[0] % 2), name
    moments = runner.optim_wrapper.optimizer.state
    assert all(type(p).__name__ == 'DTensor' for p in moments)
    run(folder / 'again', 2, folder / 'whole' / 'iter_2.pth')
    # Of one process, and written at once.
    runner = run(folder / 'same', 2, folder / 'one' / 'iter_3.pth')
    runner.save_checkpoint(str(folder), 'same.pth', by_epoch=False)


def states(path):
    """All of a run that goes on: flat, by name."""
    content = read_checkpoint(str(path))
    moments = content['optimizer']['state']
    return {f'{part} {name}': torch.as_tensor(value)
            for part, values in {
                'weights': content['state_dict'],
                'averages': content['ema_state_dict'],
                **{f'moments {i}': moments[i] for i in moments}}.items()
            for name, value in values.items()}


@pytest.mark.slow
def test_two_processes(tmp_path):
    run(tmp_path / 'one')
    call_in_two(sharded, tmp_path)
    # Resumed to the same bits.
    assert_same(states(tmp_path / 'again' / 'iter_3.pth'),
                states(tmp_path / 'whole' / 'iter_3.pth'))
    # A file of one process is loaded, and written again, to the same bits.
    assert_same(states(tmp_path / 'same.pth'),
                states(tmp_path / 'one' / 'iter_3.pth'))
    # Two processes do what one does, with the other's checkpoint too.
    run(tmp_path / 'back', load_from=tmp_path / 'whole' / 'iter_2.pth')
    wanted = states(tmp_path / 'one' / 'iter_3.pth')
    for name in ('whole', 'again', 'back'):
        for key in ('loss', 'grad_norm', 'toy/mean'):
            found = scalars(tmp_path / name, key)
            assert max(found) == 3
            for step, value in scalars(tmp_path / 'one', key).items():
                assert found.get(step, value) == pytest.approx(
                    value, rel=1e-4), (name, key, step)
        for key, value in states(tmp_path / name / 'iter_3.pth').items():
            # AdamW makes the rate of a gradient that is almost zero, as that
            # of the biases of keys.
            torch.testing.assert_close(
                value, wanted[key], rtol=1e-3, atol=5e-4, msg=key)


@pytest.mark.parametrize(('generator', 'names'), [
    (tiny.generator(), {'Block'}), (tiny.diffusion(), {'DiTBlock'})])
def test_blocks_of_the_generators(generator, names):
    generator['network'].update(
        {half: dict(dim=16, depth=2, num_heads=2) for half in (
            'encoder', 'decoder') if half in generator['network']})
    model = PIXEL_GENERATORS.build(generator)
    blocks = list(blocks_of(model))
    assert {type(block).__name__ for block in blocks} == names
    inside = sum(p.numel() for b in blocks for p in b.parameters())
    assert inside > .5 * sum(p.numel() for p in model.parameters())


def test_blocks_are_items_of_lists_of_one_class():
    class Block(nn.Linear):
        """Has weights."""

    model = nn.ModuleDict({
        'blocks': nn.ModuleList([Block(1, 1) for _ in range(3)]),
        'one': nn.ModuleList([Block(1, 1)]),
        'mixed': nn.ModuleList([Block(1, 1), nn.Linear(1, 1)]),
        'empty': nn.ModuleList([nn.ReLU(), nn.ReLU()]),
        'lists': nn.ModuleList([nn.ModuleList(), nn.ModuleList()])})
    assert list(blocks_of(model)) == list(model['blocks'])


def test_a_tree_has_the_names_of_its_model_and_its_own_tensors():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model.tied = model[0]
    model.register_buffer('hidden', torch.ones(1), persistent=False)
    model.nothing = None
    model[1].weight.requires_grad_(False)
    frozen = model[1].weight
    tree = _tree(model, {id(frozen): frozen})
    assert_same(dict(tree.state_dict()), dict(model.state_dict()))
    assert [name for name, _ in tree.named_modules()] == [
        name for name, _ in model.named_modules()]
    assert tree.get_parameter('1.weight') is frozen
    assert tree.get_parameter('0.weight') is not model[0].weight
    assert not tree.get_parameter('0.weight').requires_grad
    assert 'hidden' not in tree.state_dict()


def test_a_hook_that_samples_on_one_process_is_refused():
    class ShardedModel(nn.Module):
        """Like one, without processes."""

    class Run:
        model = ShardedModel()

    hook = HOOKS.build(dict(type='SampleGridHook', interval=1))
    with pytest.raises(ValueError, match='delete SampleGridHook, or'):
        hook.before_train(Run())
