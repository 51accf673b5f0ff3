import os

import pytest
import torch
from mmengine.config import Config
from torch import distributed as dist

from rcg.engine import RcgRunner
from rcg.frozen import Frozen
from rcg.models.encoders import PixelPCA
from rcg.pretraining.pixel_pca import PCATraining
from rcg.registry import DATASETS, ENCODERS
from tests.forked import call_in_two

ENCODER = dict(type='PixelPCA', image_size=8, num_components=6)


def images(num=30):
    return torch.rand(num, 3, 8, 8, generator=torch.manual_seed(0)) * 2 - 1


def fitted(data):
    encoder = PixelPCA(8, 6)
    encoder.fit(data)
    return encoder


def assert_same_components(ours, theirs):
    # Signs are fixed, but a tie of two largest entries could flip them.
    products = (ours.components * theirs.components).sum(1)
    torch.testing.assert_close(products.abs(), torch.ones(6), atol=1e-4,
                               rtol=0)
    torch.testing.assert_close(ours.pixel_mean, theirs.pixel_mean,
                               atol=1e-6, rtol=0)


def test_batches_give_what_the_whole_gives():
    model = PCATraining(ENCODER)
    for part in images().split(8):
        losses = model(part, mode='loss')
    assert_same_components(model.encoder, fitted(images()))
    assert model.count == 30
    x = model.encoder.preprocess(part)
    error = x.flatten(1) - model.encoder.reconstruct(
        model.encoder.features(x))
    torch.testing.assert_close(losses['loss_reconstruction'],
                               error.square().mean())


def test_error_is_zero_with_enough_components():
    model = PCATraining(ENCODER)
    assert model(images(7), mode='loss')['loss_reconstruction'] < 1e-10
    assert model(images(7)).shape == (7, 6)


def test_resumed_equals_uninterrupted():
    whole, first = PCATraining(ENCODER), PCATraining(ENCODER)
    for part in images().split(10):
        whole(part, mode='loss')
    for part in images().split(10)[:2]:
        first(part, mode='loss')
    resumed = PCATraining(ENCODER)
    resumed.load_state_dict(first.state_dict())
    resumed(images().split(10)[2], mode='loss')
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_runner_learns_the_components_of_the_dataset(tmp_path):
    digits = dict(type='Digits', split='train')
    runner = RcgRunner.from_cfg(Config(dict(
        default_scope='rcg', work_dir=str(tmp_path),
        experiment_name=f'pca_{tmp_path.name}',
        model=dict(type='PCATraining', encoder=ENCODER,
                   data_preprocessor=dict(type='ImagePreprocessor')),
        model_wrapper_cfg=dict(type='rcg.NoWrapper'),
        train_dataloader=dict(
            batch_size=719, num_workers=0, dataset=digits,
            sampler=dict(type='StreamSampler', seed=0),
            collate_fn=dict(type='rcg.collate_batch')),
        train_cfg=dict(type='StreamTrainLoop', max_iters=2),
        optim_wrapper=dict(constructor='NoOptimizer'),
        default_hooks=dict(
            runtime_info=dict(type='LightRuntimeInfoHook'), timer=None,
            sampler_seed=None, logger=dict(type='ProgressHook', interval=1),
            checkpoint=dict(type='PlainCheckpointHook', interval=2)),
        log_processor=dict(by_epoch=False))))
    runner.train()
    encoder = Frozen.build(ENCODERS, ENCODER | dict(
        checkpoint=str(tmp_path), prefix='encoder.')).on(torch.device('cpu'))
    dataset = DATASETS.build(digits)
    data = torch.stack([dataset[i]['images'] for i in range(len(dataset))])
    assert_same_components(encoder, fitted(data / 127.5 - 1))


def worker(folder):
    rank = int(os.environ['RANK'])
    dist.init_process_group('gloo')
    model = PCATraining(ENCODER)
    for part in images(32).split(16):  # each process takes every other row
        model(part[rank::2], mode='loss')
    torch.save(model.state_dict(), f'{folder}/{rank}.pt')
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path):
    call_in_two(worker, tmp_path)
    model = PCATraining(ENCODER)
    for rank in range(2):
        model.load_state_dict(torch.load(tmp_path / f'{rank}.pt'))
        assert model.count == 32
        assert_same_components(model.encoder, fitted(images(32)))
