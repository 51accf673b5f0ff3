"""The whole method: losses, samples, what is frozen, what is needed."""
import copy

import numpy
import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

import rcg.datasets  # noqa: F401
from rcg.checkpoint import save_atomically
from rcg.engine.compiling import compile_children
from rcg.engine.frozen_parts import frozen_parts
from rcg.models import RCG
from rcg.rng import SampleRng
from tests.test_evaluation.toy import run_processes
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


def test_representations_drawn_ahead_give_the_same_images():
    model = tiny.rcg().eval()
    with torch.no_grad():  # the untrained one predicts 0 from any noise
        for weight in model.rdm.module.parameters():
            weight.normal_(std=.3)
    data = {k: v for k, v in batch(8).items() if k != 'images'}
    plain = model.test_step(data)
    drawn, num_draws = model.draw_ahead(
        {k: v for k, v in batch(32).items() if k != 'images'})
    assert num_draws > 1
    ahead = model.test_step(data | dict(
        representations=drawn['representations'][:8], num_draws=num_draws))
    for a, b in zip(plain, ahead, strict=True):
        assert torch.equal(a['images'], b['images'])
    assert not tiny.rcg('label').draws_ahead
    assert not tiny.rcg('none').draws_ahead


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


@pytest.mark.parametrize(('broken', 'what'), [
    ('rdm', 'generated representations'), ('generator', "generator's logits"),
    ('tokenizer', 'images')])
def test_nan_samples_of_a_diverged_model_are_named(broken, what):
    model = tiny.rcg().eval()
    part = getattr(model, broken)
    weights = (part._module if broken != 'generator' else part).parameters()
    with torch.no_grad():
        for weight in weights:
            weight.fill_(torch.nan)
    data = {k: v for k, v in batch(3, 40).items() if k != 'images'}
    with pytest.raises(ValueError, match=f'{what} of 3 samples.*40, 41, 42'):
        model.test_step(data)


def test_images_are_truncated_or_rounded():
    data = {k: v for k, v in batch().items() if k != 'images'}
    found = {}
    for quantization in ('truncate', 'round'):
        torch.manual_seed(1)
        model = tiny.rcg(quantization=quantization).eval()
        found[quantization] = torch.stack([
            sample['images'] for sample in model.test_step(data)]).int()
    difference = found['round'] - found['truncate']
    assert set(difference.unique().tolist()) == {0, 1}
    with pytest.raises(ValueError, match="'truncate' or 'round'"):
        tiny.rcg(quantization='floor')


def drawn_here(state):
    """The images that this process draws in a test run, by index."""
    model = tiny.rcg().eval()
    for part, weights in state.items():
        getattr(model, part).load_state_dict(weights)
    loader = Runner.build_dataloader(dict(
        batch_size=16, num_workers=0,
        dataset=dict(type='SeedDataset', num_images=50),
        sampler=dict(type='DefaultSampler', shuffle=False),
        batch_sampler=dict(type='SeedBatchSampler'),
        collate_fn=dict(type='rcg.collate_batch')))
    return {sample['index']: sample['images'].numpy()
            for data in loader for sample in model.test_step(data)}


def test_images_do_not_depend_on_the_number_of_processes(tmp_path):
    """Bit for bit, with 1, 2 and 3 real gloo processes."""
    model = tiny.rcg()
    state = {part: getattr(model, part).state_dict()
             for part in ('generator', 'tokenizer', 'rdm')}
    images = {}
    for world in (1, 2, 3):
        shares = run_processes(world, tmp_path, drawn_here, state)
        assert all(isinstance(share, dict) for share in shares), shares
        assert all(shares)  # everyone had something to do
        found = {index: image for share in shares
                 for index, image in share.items()}
        assert len(found) == sum(map(len, shares))  # none drawn twice
        images[world] = numpy.stack([found[i] for i in range(50)])
    assert images[1].any()
    assert (images[1] == images[2]).all()
    assert (images[1] == images[3]).all()


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


def test_frozen_parts_and_compiled_networks_have_paths(tmp_path):
    guide = str(tmp_path / 'guide.pth')
    save_atomically(dict(state_dict=tiny.rcg().state_dict()), guide)
    model = tiny.rcg(
        rdm=dict(tiny.RDM, encoder=tiny.ENCODER),
        generator=dict(tiny.generator(), guidance=dict(
            guide=dict(checkpoint=guide))))
    parts = frozen_parts(model)
    assert list(parts) == ['tokenizer', 'encoder', 'rdm', 'rdm.encoder',
                           'generator.guide']
    assert parts['generator.guide'] is model.generator.guidance.guide
    options = dict(backend='eager')
    assert compile_children(model.rdm.module, options) == [
        'denoiser', 'encoder.backbone']
    assert sorted(compile_children(model, options)) == [
        'encoder.backbone', 'generator.network',
        'rdm.denoiser', 'rdm.encoder.backbone', 'tokenizer.down',
        'tokenizer.up']


def test_compiled_parts_give_the_same():
    """All of a step and of sampling, with graphs that are run as they are."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph

    torch.manual_seed(0)
    plain = tiny.rcg().eval()
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    wanted = plain.encode(images), plain.sample(SampleRng.from_seed(0, [1]))
    compile_children(plain, dict(backend=backend))
    got = plain.encode(images), plain.sample(SampleRng.from_seed(0, [1]))
    assert len(graphs) >= 5  # encoder, rdm, network, down, up
    torch.testing.assert_close(got, wanted)
