"""Learning rates from the batch, and in shares of a run."""
import pytest
from mmengine.optim import CosineAnnealingLR, LinearLR

from rcg.engine.schedule import in_iterations, resolve_lr

COSINE = [
    dict(type='LinearLR', start_factor=1e-3, begin=0, end=.1, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=.1, end=1., by_epoch=False),
]


def test_shares_become_iterations():
    warmup, cosine = in_iterations(COSINE, 500)
    assert (warmup['begin'], warmup['end']) == (0, 50)
    assert (cosine['begin'], cosine['end'], cosine['T_max']) == (50, 500, 450)
    assert COSINE[0]['end'] == .1  # not changed


def test_integers_stay():
    one = dict(type='MultiStepLR', milestones=[3], begin=1, end=9,
               by_epoch=False)
    assert in_iterations(one, 500) == one
    assert in_iterations({'generator': [one]}, 500) == {'generator': [one]}


def test_a_very_short_run():
    cosine, = in_iterations(COSINE, 12)  # LinearLR would never leave 1e-3
    assert (cosine['begin'], cosine['end'], cosine['T_max']) == (1, 12, 11)


def test_a_share_beyond_the_run():
    with pytest.raises(ValueError, match='share of the run'):
        in_iterations(dict(type='LinearLR', end=1.5), 10)


def test_learning_rate_from_the_effective_batch():
    cfg = {'optimizer': {'type': 'AdamW', 'base_lr': .01},
           'accumulative_counts': 2}
    line, = resolve_lr(cfg, batch_size=64, world_size=4)
    assert cfg['optimizer'] == {'type': 'AdamW', 'lr': .01 * 512 / 256}
    assert '0.02 = 0.01 x 512 / 256' in line
    assert resolve_lr(cfg, 64, 4) == []  # done


def test_learning_rate_of_several_optimizers():
    cfg = {'constructor': 'X', 'a': {'optimizer': {'base_lr': 1.}},
           'b': {'optimizer': {'lr': 3.}}}
    assert len(resolve_lr(cfg, 256, 1)) == 1
    assert cfg['a']['optimizer']['lr'] == 1.
    assert cfg['b']['optimizer']['lr'] == 3.


def test_both_learning_rates_are_refused():
    with pytest.raises(ValueError, match='delete one'):
        resolve_lr({'optimizer': {'lr': 1., 'base_lr': 1.}}, 1, 1)


def test_shares_are_iterations_whatever_the_default():
    # MMEngine's default is by_epoch=True, and a stream is one epoch.
    plain = [{k: v for k, v in cfg.items() if k != 'by_epoch'}
             for cfg in COSINE]
    assert in_iterations(plain, 500) == in_iterations(COSINE, 500)


@pytest.mark.parametrize('name', ['by_epoch', 'convert_to_iter_based'])
def test_shares_of_epochs_are_refused(name):
    with pytest.raises(ValueError, match=f'begin is a share.*Delete {name}'):
        in_iterations(dict(COSINE[1], **{'by_epoch': True, name: True}), 500)


def test_a_warm_up_of_one_epoch_stays():
    warmup = dict(type='LinearLR', begin=0, end=1, by_epoch=True)
    assert in_iterations([warmup], 500) == [warmup]
    warmup = dict(type='LinearLR', end=1)  # the default counts epochs
    assert in_iterations([warmup], 500) == [warmup]


def test_types_may_be_classes_or_have_a_scope():
    for kind in CosineAnnealingLR, 'mmengine.CosineAnnealingLR':
        cosine = in_iterations(dict(COSINE[1], type=kind), 500)
        assert (cosine['type'], cosine['T_max']) == (kind, 450)
    warmup = in_iterations(dict(COSINE[0], type=LinearLR), 500)
    assert 'T_max' not in warmup


def test_a_converted_schedule_ends_with_the_run():
    cfg = dict(type=CosineAnnealingLR, convert_to_iter_based=True)
    for max_iters in range(1, 400):
        end = in_iterations(cfg, max_iters, epoch_length=7)['end']
        assert int(end * 7) == max_iters
    assert in_iterations(dict(cfg, end=3), 90, epoch_length=7)['end'] == 3
