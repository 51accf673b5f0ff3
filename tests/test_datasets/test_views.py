"""A view of an image is the same whenever it is asked for."""
import numpy as np
import pytest
import torch

from rcg.datasets import ArrayDataset, StreamItem, StreamSampler

CROPS = [{'type': 'RandomCrop', 'size': 6}, {'type': 'RandomFlip'}]
FLIPS = [{'type': 'CenterCrop', 'size': 8}, {'type': 'RandomFlip'}]
SIZE = 20


def arrays(pipeline=CROPS, count=SIZE):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (SIZE, 9, 9, 3), np.uint8)[:count]
    return ArrayDataset(images, [i % 2 for i in range(count)], ['a', 'b'],
                        pipeline)


def test_a_view_depends_on_seed_image_and_number_alone():
    few, many = arrays().views(2, 3), arrays().views(5, 3)
    images = [few[row]['images'] for row in range(len(few))]
    for row in reversed(range(len(few))):
        assert torch.equal(many[row]['images'], images[row])
        assert torch.equal(many.__getitems__([0, row, 7])[1]['images'],
                           images[row])
    other = arrays().views(2, 4)
    assert any(not torch.equal(other[row]['images'], images[row])
               for row in range(SIZE))
    assert any(not torch.equal(images[i], images[SIZE + i])
               for i in range(SIZE))
    assert [few[SIZE + i]['labels'].item() for i in range(3)] == [0, 1, 0]


def test_views_of_flips_are_both():
    views, dataset = arrays(FLIPS).views(2, 0), arrays(FLIPS)
    for i in range(SIZE):
        image = torch.from_numpy(dataset.images[i, :8, :8]).permute(2, 0, 1)
        assert torch.equal(views[i]['images'], image)
        assert torch.equal(views[SIZE + i]['images'], image.flip(2))


@pytest.mark.parametrize(('pipeline', 'count'), [
    ([], 1), (FLIPS[:1], 1), (FLIPS, 2), (CROPS, None), (CROPS[:1], None),
    (FLIPS[1:] * 2, None)])
def test_how_many_there_can_be(pipeline, count):
    forms = arrays(pipeline).fixed()
    assert (None if forms is None else len(forms)) == count
    assert forms is None or not any(form.is_random for form in forms[:1]
                                    if count == 1)
    if count is not None:
        with pytest.raises(ValueError, match=f'must be {count}, got 3'):
            arrays(pipeline).views(3, 0)


def positions(dataset, epochs):
    stream = iter(StreamSampler(dataset, 5))
    return [next(stream) for _ in range(epochs * SIZE)]


def test_flips_are_those_that_would_be_drawn():
    live, cached = arrays(FLIPS), arrays(FLIPS)
    views = cached.views(2, 0)
    cached.attach({'pixels': torch.stack(
        [views[row]['images'] for row in range(len(views))])})
    items = positions(live, 3)
    assert torch.equal(cached.__getitems__(items).columns['pixels'],
                       live.__getitems__(items).columns['images'])


def test_an_epoch_has_its_view():
    dataset = arrays()
    dataset.attach({'codes': torch.arange(3 * SIZE)})
    items = positions(dataset, 5)
    codes = dataset.__getitems__(items).columns['codes']
    assert torch.equal(codes % SIZE, torch.tensor([i.index for i in items]))
    assert (codes // SIZE).tolist() == [
        epoch % 3 for epoch in range(5) for _ in range(SIZE)]
    assert dataset[StreamItem(4, 2 * SIZE + 1, 0)]['codes'] == 2 * SIZE + 4


def test_labels_of_features_count():
    dataset = arrays([])
    dataset.attach({'codes': torch.zeros(SIZE),
                    'labels': torch.arange(SIZE)})
    assert dataset[7]['labels'] == 7
    dataset.attach({})
    assert dataset[7]['labels'] == 1


@pytest.mark.parametrize(('pipeline', 'rows', 'wanted'), [
    ([], 2 * SIZE, 'a row'), (FLIPS, SIZE, '2 rows'),
    (CROPS, SIZE + 1, 'rows of whole views'), (CROPS, 0, 'rows of whole')])
def test_rows_that_do_not_fit_are_refused(pipeline, rows, wanted):
    with pytest.raises(ValueError, match=f'{wanted}.* for each of the '
                                         f'{SIZE} images, got {rows}'):
        arrays(pipeline).attach({'codes': torch.zeros(rows)})


def test_fingerprints_name_what_differs():
    base = arrays().fingerprints()
    assert base == arrays().fingerprints()
    assert {k for k, v in arrays(FLIPS).fingerprints().items()
            if v != base[k]} == {'transforms'}
    assert {k for k, v in arrays(count=8).fingerprints().items()
            if v != base[k]} == {'images', 'labels'}
