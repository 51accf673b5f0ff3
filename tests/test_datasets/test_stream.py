import itertools
import pickle

import pytest
import torch
from torch.utils.data import Subset

from rcg.datasets import (
    Digits,
    ItemSampler,
    KeyedDataset,
    SeedDataset,
    StreamItem,
    StreamSampler,
)
from rcg.registry import DATA_SAMPLERS


def take(sampler, count):
    return list(itertools.islice(iter(sampler), count))


def sampler_of(n, seed=0, rank=0, world=1, position=0):
    sampler = StreamSampler(range(n), seed)
    sampler.rank, sampler.world, sampler.position = rank, world, position
    return sampler


def test_each_pass_sees_every_image_in_a_new_order():
    passes = [[item.index for item in take(sampler_of(10), 30)][i:i + 10]
              for i in (0, 10, 20)]
    assert all(sorted(order) == list(range(10)) for order in passes)
    assert passes[0] != passes[1] != passes[2] != passes[0]


def test_items_carry_their_place_and_the_seed():
    items = take(sampler_of(4, seed=7), 9)
    assert [item.position for item in items] == list(range(9))
    assert {item.seed for item in items} == {7}


def test_seed_fixes_the_order():
    assert take(sampler_of(50, 3), 120) == take(sampler_of(50, 3), 120)
    assert take(sampler_of(50, 3), 120) != take(sampler_of(50, 4), 120)


@pytest.mark.parametrize('world', [2, 3])
@pytest.mark.parametrize('n', [1, 7, 12])
def test_ranks_share_the_stream_of_one_process(world, n):
    alone = take(sampler_of(n), 6 * world)
    shares = [take(sampler_of(n, rank=r, world=world), 6)
              for r in range(world)]
    assert [item for step in zip(*shares, strict=True)
            for item in step] == alone


@pytest.mark.parametrize('used', [0, 1, 9, 10, 11, 1000])
@pytest.mark.parametrize('world', [1, 2])
def test_resumes_at_any_position(used, world):
    whole = take(sampler_of(10, rank=world - 1, world=world), used + 15)
    resumed = sampler_of(10, rank=world - 1, world=world, position=used)
    assert take(resumed, 15) == whole[used:]


def test_resuming_reads_nothing_of_the_past(monkeypatch):
    sampler = sampler_of(10, position=10**9 + 3)
    epochs = []
    order = sampler.order
    monkeypatch.setattr(sampler, 'order',
                        lambda e: epochs.append(e) or order(e))
    assert take(sampler, 3)[0].position == 10**9 + 3
    assert epochs == [10**8]


def test_length_is_one_pass_of_a_rank():
    assert [len(sampler_of(10, world=w)) for w in (1, 2, 3)] == [10, 5, 4]


def test_plain_indices_stand_for_themselves():
    assert StreamItem.of(5) == (5, 5, 0)
    item = StreamItem(1, 2, 3)
    assert StreamItem.of(item) is item
    assert isinstance(pickle.loads(pickle.dumps(item)), StreamItem)


def test_refuses_what_cannot_work():
    with pytest.raises(ValueError, match='at least one image'):
        StreamSampler([], 0)
    with pytest.raises(ValueError, match='seed=0'):
        StreamSampler(range(3), None)


def test_is_built_as_mmengine_builds_it():
    sampler = DATA_SAMPLERS.build(
        {'type': 'StreamSampler'},
        default_args={'dataset': torch.arange(4), 'seed': 5})
    assert take(sampler, 1)[0].seed == 5


def items_of(indices, epoch=0, seed=4, rank=0, world=1):
    sampler = ItemSampler(range(5), seed, indices)
    sampler.rank, sampler.world, sampler.epoch = rank, world, epoch
    return sampler


def test_items_of_plain_indices_have_places_of_their_own():
    sampler = items_of([3, 1, 2])
    assert list(sampler) == [(3, 0, 4), (1, 1, 4), (2, 2, 4)]
    assert list(sampler) == [(3, 3, 4), (1, 4, 4), (2, 5, 4)]
    sampler.set_epoch(7)
    assert next(iter(sampler)) == (3, 21, 4)


def test_ranks_never_have_the_same_place():
    places = [item.position for rank in range(2) for epoch in range(3)
              for item in items_of([0, 1], epoch, rank=rank, world=2)]
    assert sorted(places) == list(range(12))


def test_items_of_a_stream_pass_through():
    assert take(items_of(sampler_of(5, seed=9)), 4) == take(
        sampler_of(5, seed=9), 4)


def test_item_sampler_builds_what_it_wraps():
    sampler = DATA_SAMPLERS.build(
        {'type': 'rcg.ItemSampler', 'sampler': {'type': 'DefaultSampler'}},
        default_args={'dataset': torch.arange(4), 'seed': 5})
    orders = [[item.index for item in sampler] for _ in range(4)]
    assert len(set(map(tuple, orders))) > 1
    assert (sampler.sampler.seed, sampler.seed, len(sampler)) == (5, 5, 4)


@pytest.mark.parametrize('dataset', [
    Digits('test'), SeedDataset(5), KeyedDataset(Digits('test')),
    KeyedDataset(Subset(Digits('test'), range(7)))])
def test_a_loop_over_a_dataset_ends(dataset):
    size = len(dataset)
    seen = list(itertools.islice(dataset, size + 1))
    assert [int(item['indices']) for item in seen] == list(range(size))
    for index in (size, -size - 1):
        with pytest.raises(IndexError, match=f'no index {index}'):
            dataset[index]
