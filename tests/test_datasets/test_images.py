import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, default_collate

from rcg.datasets import ArrayDataset, StreamItem, StreamSampler
from rcg.datasets.images import collate_batch

RANDOM = [{'type': 'RandomCrop', 'size': 6}, {'type': 'RandomFlip'}]


def arrays(n=8, pipeline=(), size=9):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, size, size, 3), np.uint8)
    return ArrayDataset(images, [i % 2 for i in range(n)], ['a', 'b'],
                        pipeline)


def stream(dataset, batches, num_workers=0, seed=0, batch_size=4):
    loader = DataLoader(dataset, batch_size, num_workers=num_workers,
                        sampler=StreamSampler(dataset, seed),
                        collate_fn=collate_batch)
    iterator = iter(loader)
    return [next(iterator) for _ in range(batches)]


def test_an_item_holds_what_the_models_expect():
    dataset = arrays()
    item = dataset[StreamItem(3, 11, 5)]
    assert item['keys'].tolist() == [5, 11]
    assert item['indices'] == 3
    assert item['labels'] == 1
    assert item['images'].dtype == torch.uint8
    assert (item['images'].permute(1, 2, 0).numpy() ==
            dataset.images[3]).all()


def test_an_index_past_the_end_is_padding():
    dataset = arrays(5)
    item, = dataset.__getitems__([7])
    assert item['indices'] == 7
    assert item['keys'].tolist() == [0, 7]
    assert (item['images'] == dataset[2]['images']).all()
    assert item['labels'] == dataset[2]['labels']


@pytest.mark.parametrize('pipeline', [[], RANDOM])
@pytest.mark.parametrize('collate', [collate_batch, default_collate])
def test_a_batch_is_its_items_stacked(pipeline, collate):
    dataset = arrays(pipeline=pipeline)
    items = [StreamItem(i, 10 + i, 3) for i in (4, 0, 6)]
    batch = collate(dataset.__getitems__(items))
    alone = default_collate([dataset[item] for item in items])
    assert batch.keys() == alone.keys()
    assert all((batch[name] == alone[name]).all() for name in batch)
    assert batch['images'].shape[0] == 3
    assert batch['images'].is_contiguous()


def test_collating_items_of_other_datasets():
    batch = collate_batch([{'indices': 1}, {'indices': 2}])
    assert batch['indices'].tolist() == [1, 2]


def test_augmentation_differs_between_passes():
    batches = stream(arrays(pipeline=RANDOM), 12)
    views = {}
    for batch in batches:
        for index, image in zip(batch['indices'].tolist(), batch['images'],
                                strict=True):
            views.setdefault(index, []).append(image)
    # Six views an image; 16 crops times 2 flips: rarely two alike.
    kinds = [len(torch.stack(v).unique(dim=0)) for v in views.values()]
    assert [len(v) for v in views.values()] == [6] * 8
    assert sum(kinds) > 36


@pytest.mark.parametrize('num_workers', [1, 2])
def test_augmentation_is_the_same_in_every_worker_layout(num_workers):
    dataset = arrays(pipeline=RANDOM)
    alone, shared = stream(dataset, 6), stream(dataset, 6, num_workers)
    for one, other in zip(alone, shared, strict=True):
        assert all((one[name] == other[name]).all() for name in one)


def test_augmentation_follows_the_seed():
    dataset = arrays(pipeline=RANDOM)
    one, again, other = (dataset[StreamItem(0, 5, seed)]['images']
                         for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_is_random_follows_the_pipeline():
    assert arrays(pipeline=RANDOM).is_random
    assert not arrays(pipeline=[{'type': 'CenterCrop', 'size': 4}]).is_random
    assert not arrays().is_random


def test_a_transform_that_does_not_say_counts_as_random():
    assert arrays(pipeline=[{'type': 'mmcv.Pad', 'size_divisor': 4}
                            ]).is_random


def test_fingerprint_tells_images_and_pipelines_apart():
    crop = [{'type': 'CenterCrop', 'size': 4}]
    prints = [arrays().fingerprint(), arrays(7).fingerprint(),
              arrays(pipeline=crop).fingerprint()]
    changed = arrays()
    changed.images[0, 0, 0, 0] ^= 1
    prints.append(changed.fingerprint())
    assert len(set(prints)) == 4
    assert arrays().fingerprint() == prints[0]


@pytest.mark.parametrize('num_workers', [0, 2])
def test_attached_features_replace_images(num_workers):
    dataset = arrays()
    codes = torch.arange(16).view(8, 2)
    dataset.attach({'codes': codes, 'representations': codes / 3})
    for batch in stream(dataset, 4, num_workers):
        assert batch.keys() == {'keys', 'indices', 'labels', 'codes',
                                'representations'}
        assert (batch['codes'] == codes[batch['indices']]).all()
    dataset.attach({})
    assert 'images' in dataset[0]


def test_features_of_another_dataset_are_refused():
    with pytest.raises(ValueError, match="'codes' must have a row for each "
                                         'of the 8 images, got 5'):
        arrays().attach({'codes': torch.zeros(5, 2)})
