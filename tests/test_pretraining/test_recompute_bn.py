import copy

import pytest
import torch
from mmengine.config import Config
from torch import nn

from rcg.engine import RcgRunner
from rcg.frozen import Frozen
from rcg.models.encoders import ConvEncoder
from rcg.pretraining.recompute_bn import (
    RecomputeBatchNormHook,
    recompute_batch_norm,
)
from rcg.registry import DATASETS, ENCODERS

ENCODER = dict(type='ConvEncoder', widths=(4, 6), strides=(2, 2),
               projector_hidden_dim=10, projector_dim=5)
DIGITS = dict(type='Digits', split='train')


def small():
    torch.manual_seed(0)
    return ConvEncoder(widths=(4, ), strides=(1, ), projector_hidden_dim=6,
                       projector_dim=5)


def batches():
    generator = torch.manual_seed(1)
    return [torch.rand(8, 3, 6, 6, generator=generator) * 2 - 1
            for _ in range(3)]


def test_statistics_are_the_mean_over_batches():
    encoder = small()
    recompute_batch_norm(encoder, batches())
    convolution, norm = encoder.backbone[:2]
    outputs = [convolution(encoder.preprocess(x)) for x in batches()]
    means = torch.stack([x.mean((0, 2, 3)) for x in outputs]).mean(0)
    variances = torch.stack([x.var((0, 2, 3)) for x in outputs]).mean(0)
    torch.testing.assert_close(norm.running_mean, means.detach())
    torch.testing.assert_close(norm.running_var, variances.detach())


def test_what_was_before_does_not_matter():
    first, second = small(), small()
    second.train()(torch.full((8, 3, 6, 6), 9.) + torch.rand(8, 3, 6, 6))
    for encoder in (first, second):
        recompute_batch_norm(encoder, batches())
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_only_statistics_change():
    encoder = small().eval()
    encoder.head[1].train()
    before = copy.deepcopy(encoder.state_dict())
    recompute_batch_norm(encoder, batches())
    assert encoder.head[1].training
    assert not encoder.backbone[1].training
    assert encoder.head[1].momentum == .1
    for name, value in encoder.state_dict().items():
        statistic = 'running' in name or 'num_batches' in name
        assert torch.equal(value, before[name]) != statistic, name


def test_batches_of_the_hook_are_nearly_equal():
    train = torch.utils.data.DataLoader(torch.arange(1438), batch_size=7)
    hook = RecomputeBatchNormHook(batch_size=1000)
    assert [len(x) for x in hook.loader(train)] == [719, 719]
    few = list(RecomputeBatchNormHook(num_images=10).loader(train))
    assert len(few) == 1
    assert few[0].tolist() == [i * 1438 // 10 for i in range(10)]


def test_refuses_a_batch_of_one():
    with pytest.raises(ValueError, match='at least 2, got 10240 and 1'):
        RecomputeBatchNormHook(batch_size=1)


def config(work_dir):
    view = [dict(type='RandomAffine', degrees=10.)]
    return Config(dict(
        default_scope='rcg', runner_type='RcgRunner', work_dir=str(work_dir),
        experiment_name=f'bn_{work_dir.name}',
        model=dict(type='MoCoV3', encoder=ENCODER, views=[view, view],
                   predictor_hidden_dim=10,
                   data_preprocessor=dict(type='ImagePreprocessor')),
        train_dataloader=dict(
            batch_size=8, num_workers=0, dataset=DIGITS,
            sampler=dict(type='StreamSampler', seed=0),
            collate_fn=dict(type='rcg.collate_batch')),
        train_cfg=dict(type='StreamTrainLoop', max_iters=2),
        optim_wrapper=dict(constructor='TwoGroupConstructor',
                           dtype='float32',
                           optimizer=dict(type='AdamW', lr=1e-3)),
        val_dataloader=dict(
            batch_size=100, num_workers=0,
            dataset=DIGITS | dict(split='test'),
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='rcg.collate_batch')),
        val_cfg=dict(), val_evaluator=dict(type='KNNAccuracy', k=5),
        env_cfg=dict(float32='highest'),
        custom_hooks=[dict(type='RecomputeBatchNormHook')],
        default_hooks=dict(
            runtime_info=dict(type='LightRuntimeInfoHook'), timer=None,
            sampler_seed=None, logger=dict(type='ProgressHook', interval=1),
            checkpoint=dict(type='PlainCheckpointHook', interval=1)),
        log_processor=dict(by_epoch=False)))


def test_training_ends_with_statistics_of_clean_images(tmp_path, capsys):
    runner = RcgRunner.from_cfg(config(tmp_path))
    runner.train()
    lines = [line for line in capsys.readouterr().out.splitlines()
             if 'batch-norm statistics' in line]
    assert len(lines) == 1  # the others by time
    assert 'batch-norm statistics 240/1438 images  left 0:00:0' in lines[0]
    accuracy = runner.val_loop.run()['representation/knn_accuracy']
    assert 10 < accuracy < 100

    def load(path):
        frozen = Frozen.build(ENCODERS, ENCODER | dict(
            checkpoint=str(path), prefix='encoder.'))
        return frozen.on(torch.device('cpu'))

    encoder = load(tmp_path)
    dataset = DATASETS.build(DIGITS)
    images = torch.stack([dataset[i]['images'] for i in range(len(dataset))])
    again = copy.deepcopy(encoder)
    size = 240  # 1,438 images in six batches of at most 256
    recompute_batch_norm(again, [x / 127.5 - 1 for x in images.split(size)])
    for name, value in again.state_dict().items():
        torch.testing.assert_close(value, encoder.state_dict()[name],
                                   rtol=1e-4, atol=1e-5)
    early = load(tmp_path / 'iter_1.pth')  # of views: recomputed at the end
    norms = [m for m in early.modules() if isinstance(m, nn.BatchNorm2d)]
    assert int(norms[0].num_batches_tracked) == 2
