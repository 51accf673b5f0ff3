"""Pictures while training."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dist import barrier, get_rank
from PIL import Image

from rcg.engine import SampleGridHook
from rcg.engine.hooks.sample_grid import make_grid
from rcg.registry import DATASETS

from ...test_evaluation.toy import run_processes
from ..running import build_runner
from ..toy import ToyDataset


def train(folder, max_iters=4, **hook):
    hook = {'type': 'SampleGridHook', 'interval': 2, 'num_images': 5, **hook}
    runner = build_runner(folder, train_cfg__max_iters=max_iters,
                          custom_hooks=[{'type': 'TrainableEMAHook'}, hook])
    runner.train()
    return runner


def test_grid_places_images_in_rows():
    images = torch.arange(5).view(5, 1, 1, 1).expand(5, 3, 2, 3).byte()
    grid = make_grid(images, padding=1)
    assert grid.shape == (3, 2 * 3 + 1, 3 * 4 + 1)
    assert grid[0, 1, 1::4].tolist()[:3] == [0, 1, 2]
    assert grid[0, 4, 1::4].tolist() == [3, 4, 255]
    assert (grid[:, 0] == 255).all()


@pytest.mark.parametrize(('height', 'width', 'scale'), [
    (16, 16, 4), (32, 16, 4), (63, 80, 2), (64, 64, 1), (200, 300, 1)])
def test_small_images_are_enlarged_by_whole_numbers(height, width, scale):
    images = torch.randint(256, (1, 3, height, width), dtype=torch.uint8)
    grid = make_grid(images, 64)
    assert grid.shape == (3, scale * height + 4, scale * width + 4)
    inside = grid[:, 2:-2, 2:-2]
    for i in range(scale):
        assert torch.equal(inside[:, i::scale, ::scale], images[0])


def test_given_images_are_spread_over_the_dataset():
    hook = SampleGridHook(1, num_images=5, dataset={
        'type': 'ToyDataset', 'size': 24})
    assert hook._make_batch()['indices'].tolist() == [0, 4, 9, 14, 19]


def test_pictures_are_written_and_repeat(tmp_path):
    train(tmp_path / 'a', max_iters=3)
    names = sorted(p.name for p in (tmp_path / 'a' / 'samples').iterdir())
    assert names == ['iter_2.png', 'iter_3.png']
    events = next((tmp_path / 'a').glob('*/*/events*')).read_bytes()
    assert events.count(b'\x07samples') == 2  # the tag and its length
    train(tmp_path / 'b', max_iters=3)
    first, second = (np.array(Image.open(
        tmp_path / run / 'samples' / 'iter_3.png')) for run in 'ab')
    # 2 rows of 3 images of 2x2, enlarged.
    assert first.shape == (2 * 66 + 2, 3 * 66 + 2, 3)
    assert np.array_equal(first, second)


def test_pictures_show_the_average_and_do_not_change_training(tmp_path):
    runner = train(tmp_path / 'a')
    other = build_runner(tmp_path / 'b', train_cfg__max_iters=4,
                         custom_hooks=[{'type': 'TrainableEMAHook'}])
    other.train()
    assert torch.equal(runner.model.net[0].weight, other.model.net[0].weight)
    assert runner.model.training
    average = next(h for h in other.hooks if hasattr(h, 'ema_model'))
    hook = SampleGridHook(1, num_images=5)
    average.ema_model.module.eval()
    images = average.ema_model.module.test_step(hook._make_batch())
    wanted = make_grid(torch.stack([i['images'].cpu() for i in images]), 64)
    picture = Image.open(tmp_path / 'a' / 'samples' / 'iter_4.png')
    assert np.array_equal(np.array(picture).transpose(2, 0, 1), wanted)


def test_labels_take_turns():
    batch = SampleGridHook(1, num_images=5, num_classes=3)._make_batch()
    assert batch['labels'].tolist() == [0, 1, 2, 0, 1]
    assert batch['keys'].tolist() == [[0, i] for i in range(5)]


def test_items_of_a_dataset_may_be_the_input(tmp_path):
    runner = build_runner(tmp_path)  # sets the default scope
    hook = SampleGridHook(1, num_images=50, dataset={
        'type': 'ToyDataset', 'size': 4})
    batch = hook._make_batch()
    assert batch['images'].shape == (4, 3, 2, 2)
    assert runner is not None


def test_reconstructions_are_shown_under_originals(tmp_path):
    runner = build_runner(tmp_path, model__reconstruct=True,
                          train_cfg__max_iters=1, custom_hooks=[
                              {'type': 'SampleGridHook', 'interval': 1,
                               'num_images': 1}])
    runner.train()
    picture = np.array(Image.open(tmp_path / 'samples' / 'iter_1.png'))
    assert picture.shape == (2 + 128 + 2, 2 + 64 + 2, 3)
    assert (picture[2:66, 2:66] == 7).all()  # what ToyModel calls original


def test_a_model_without_images_is_refused(tmp_path):
    runner = build_runner(tmp_path)
    runner.model.test_step = lambda batch: [{'representations': 1}]
    with pytest.raises(ValueError, match='ToyModel does not'):
        SampleGridHook(1, num_images=2).write_grid(runner, 1)


def test_what_a_metric_shows_is_written(tmp_path):
    runner = train(tmp_path)
    metric = runner.val_loop.evaluator.metrics[0]
    folder = tmp_path / type(metric).__name__
    assert not folder.exists()
    metric.picture = torch.arange(12, dtype=torch.uint8).view(3, 2, 2)
    runner.val_loop.run()
    written, = folder.iterdir()
    assert written.name == 'iter_4.png'
    picture = torch.tensor(np.array(Image.open(written)))
    assert torch.equal(picture.permute(2, 0, 1), metric.picture)


@DATASETS.register_module()
class MeetingDataset(ToyDataset):
    """Its processes wait for each other, as those of a download may."""

    def __init__(self):
        super().__init__()
        barrier()


def meet():
    hook = SampleGridHook(1, num_images=3, dataset={
        'type': 'rcg.MeetingDataset'})
    hook.before_train(SimpleNamespace(model=torch.nn.Identity()))
    if get_rank() == 0:
        return hook._batch['images'].shape
    return hook._batch


def test_all_processes_build_the_dataset(tmp_path):
    assert run_processes(2, tmp_path, meet) == [(3, 3, 2, 2), None]
