import pytest
import torch
from mmengine.dataset import DefaultSampler
from torch.utils.data import DataLoader

from rcg.datasets import SeedBatchSampler, SeedDataset


def batches_of(num_images, batch_size, rank=0, world=1):
    dataset = SeedDataset(num_images)
    batches = SeedBatchSampler(DefaultSampler(dataset, shuffle=False),
                               batch_size)
    batches.rank, batches.world = rank, world
    return batches


def test_items():
    item = SeedDataset(5, seed=9)[3]
    assert item.keys() == {'keys', 'indices'}
    assert item['keys'].tolist() == [9, 3]
    assert item['indices'] == 3


def test_labels_take_turns():
    dataset = SeedDataset(6, num_classes=3)
    assert [dataset[i]['labels'] for i in range(6)] == [0, 1, 2] * 2


def test_padding_is_generated_like_any_other_image():
    padding, = SeedDataset(5).__getitems__([7])
    assert padding['keys'].tolist() == [0, 7]


@pytest.mark.parametrize('world', [1, 2, 3, 5])
def test_batches_do_not_depend_on_the_number_of_processes(world):
    alone = list(batches_of(10, 4))
    assert alone == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    shares = [list(batches_of(10, 4, r, world)) for r in range(world)]
    assert sorted(sum(shares, [])) == alone
    assert [len(batches_of(10, 4, r, world)) for r in range(world)] == [
        len(share) for share in shares]


def test_a_full_last_batch_gets_no_padding():
    assert list(batches_of(8, 4))[-1] == [4, 5, 6, 7]


def test_works_in_a_loader_with_workers():
    loader = DataLoader(SeedDataset(10, seed=1, num_classes=10),
                        batch_sampler=batches_of(10, 4), num_workers=2)
    batches = list(loader)
    assert torch.cat([b['indices'] for b in batches]).tolist() == list(
        range(12))
    assert batches[2]['keys'].tolist() == [[1, 8], [1, 9], [1, 10], [1, 11]]
    assert batches[2]['labels'].tolist() == [8, 9, 0, 1]


@pytest.mark.parametrize('wrong', [
    {'num_images': 0}, {'num_images': 3, 'seed': -1},
    {'num_images': 3, 'num_classes': 0}])
def test_refuses_wrong_numbers(wrong):
    with pytest.raises(ValueError, match='at least'):
        SeedDataset(**wrong)


def test_refuses_a_sampler_without_dataset():
    with pytest.raises(TypeError, match='DefaultSampler'):
        SeedBatchSampler(iter(range(3)), 2)
    with pytest.raises(ValueError, match='batch_size'):
        batches_of(3, 0)
