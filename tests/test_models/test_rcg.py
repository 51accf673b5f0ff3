"""The whole method: losses, samples, what is frozen, what is needed."""
import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from torch.utils.data import SequentialSampler, default_collate

from rcg.datasets import SeedBatchSampler, SeedDataset
from rcg.models import RCG
from rcg.rng import SampleRng
from tests.test_models import tiny


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def batch(n=6, first=0):
    keys = torch.stack([torch.zeros(n, dtype=torch.int64),
                        torch.arange(first, first + n)], 1)
    images = SampleRng(keys).randint(256, 3, 8, 8).byte()
    return dict(images=images, keys=keys, labels=torch.arange(n) % 3,
                indices=torch.arange(first, first + n))


def losses(model, data):
    return model(**model.data_preprocessor(data, True), mode='loss')


@pytest.mark.parametrize('condition', tiny.CONDITIONS)
def test_training_reaches_every_parameter_of_the_generator(condition):
    model = tiny.rcg(condition)
    losses(model, batch(64))['loss_tokens'].backward()
    without = [name for name, p in model.named_parameters()
               if p.grad is None]
    assert not without
    assert all(name.startswith('generator.')
               for name, _ in model.named_parameters())


@pytest.mark.parametrize('condition', tiny.CONDITIONS)
def test_samples_are_repeatable_images(condition):
    model = tiny.rcg(condition).eval()
    data = {k: v for k, v in batch().items() if k != 'images'}
    once, twice = model.test_step(data), model.test_step(data)
    assert [sample['index'] for sample in once] == list(range(6))
    for a, b in zip(once, twice, strict=True):
        assert a['images'].dtype == torch.uint8
        assert a['images'].shape == (3, 8, 8)
        assert torch.equal(a['images'], b['images'])


def test_cached_features_give_the_same_loss():
    model, data = tiny.rcg(), batch()
    plain = losses(model, data)['loss_tokens']
    ready = model.data_preprocessor(data)
    encoded = model.encode(ready['images'])
    assert encoded['codes'].shape == (6, 4)
    assert encoded['representations'].shape == (6, 6)
    cached = {k: v for k, v in data.items() if k != 'images'}
    assert torch.equal(losses(model, {**cached, **encoded})['loss_tokens'],
                       plain)


def test_frozen_parts_are_nobodys_business():
    model = tiny.rcg()
    assert not any(key.startswith(('encoder', 'tokenizer', 'rdm'))
                   for key in model.state_dict())
    model.train()
    model.init_weights()
    assert not model.encoder.training
    before = copy.deepcopy(model.encoder.state_dict())
    losses(model, batch())['loss_tokens'].backward()
    after = model.encoder.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert copy.deepcopy(model).encoder is model.encoder


def test_given_representations_replace_the_rdm():
    model = tiny.rcg(rdm=None).eval()
    rep = SampleRng.from_seed(0, range(3)).normal(6)
    images = model.sample(SampleRng.from_seed(1, range(3)),
                          representations=rep)
    assert images.shape == (3, 3, 8, 8)
    with pytest.raises(ValueError, match='must give model.rdm'):
        model.sample(SampleRng.from_seed(1, range(3)))


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match='must give model.encoder'):
        losses(tiny.rcg(encoder=None), batch())
    data = batch()
    del data['labels']
    with pytest.raises(ValueError, match='conditioned on a label'):
        losses(tiny.rcg('label'), data)
    with pytest.raises(KeyError, match="'VQGAN' is a tokenizer"):
        RCG(tiny.generator(), dict(tiny.TOKENIZER),
            encoder=dict(tiny.TOKENIZER))


@pytest.mark.parametrize('world', [2, 3])
def test_images_do_not_depend_on_the_number_of_processes(world):
    """Bit for bit: a batch holds the same images on whichever process."""
    model, dataset = tiny.rcg().eval(), SeedDataset(50)

    def images(world):
        order = SequentialSampler(dataset)
        order.dataset = dataset
        sampler = SeedBatchSampler(order, 16)
        sampler.world = world
        found = {}
        for sampler.rank in range(world):
            for indices in sampler:
                data = default_collate([dataset[i] for i in indices])
                for sample in model.test_step(data):
                    found[sample['index']] = sample['images']
        return torch.stack([found[i] for i in range(50)])

    assert torch.equal(images(world), images(1))


def test_batches_of_other_shapes_give_the_same_tokens():
    """But for ties of floating-point numbers, at most 0.1 % of tokens."""
    model = tiny.rcg().eval()
    count = 400

    def tokens(batch_size):
        ids = []
        for first in range(0, count, batch_size):
            rng = SampleRng.from_seed(0, range(first, first + batch_size))
            rep = model.rdm.sample(rng)
            ids.append(model.generator.sample(rep, rng))
        return torch.cat(ids)[:count]

    differ = int((tokens(16) != tokens(50)).sum())
    print(f'{differ} of {count * 4} tokens differ')
    assert differ <= .001 * count * 4
