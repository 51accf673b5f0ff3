"""Too little memory: halves of a batch, and the same results."""
import pytest
import torch
from torch import OutOfMemoryError

from rcg.apis import RCGInferencer
from rcg.engine import Halving, load_config
from rcg.evaluation.extractors import extractor

from .running import build_runner, scalars
from .toy import ToyModel

ERRORS = [OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB'),
          RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate "
                       'memory: you tried to allocate 9 bytes'),
          MemoryError()]


class Narrow:
    """Puts a limit on the first argument's rows, or those of ``keys``."""

    def __init__(self, function, limit, error=ERRORS[0]):
        self.function, self.limit, self.error = function, limit, error
        self.sizes = []

    def __call__(self, *args, **kwargs):
        rows = next(len(x) for x in (*args, *kwargs.values())
                    if hasattr(x, '__len__') and not isinstance(x, str))
        self.sizes.append(rows)
        if rows > self.limit:
            raise self.error
        return self.function(*args, **kwargs)


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr('rcg.engine.halving.print_log',
                        lambda text, logger, level: lines.append(text))
    return lines


@pytest.mark.parametrize('error', ERRORS)
@pytest.mark.parametrize(('rows', 'limit'), [(7, 3), (8, 1), (16, 9), (5, 5)])
def test_halved_until_it_fits_and_said_once(said, error, rows, limit):
    halving = Halving('work')

    def work(batch):
        Narrow(len, limit, error)(batch['x'])
        return {'y': batch['x'] * batch['w'], 'z': batch['names']}

    for _ in range(2):
        batch = dict(x=torch.arange(rows), w=torch.tensor(3),
                     names=[str(i) for i in range(rows)], one='text')
        result = halving(work, batch)
        assert torch.equal(result['y'], 3 * torch.arange(rows))
        assert result['z'] == batch['names']
    assert len(said) == (rows > limit)
    assert halving.limit is None or halving.limit <= limit


def test_the_size_that_fits_is_kept(said):
    narrow = Narrow(lambda x: (x, list(x)), 4)
    halving = Halving('work')
    halving(narrow, torch.arange(16))
    assert narrow.sizes == [16, 8, 4, 4, 4, 4]
    first, second = halving(narrow, torch.arange(8))
    assert narrow.sizes[6:] == [4, 4]
    assert first.tolist() == [int(x) for x in second] == list(range(8))


def test_a_single_row_that_does_not_fit_ends_it(said):
    with pytest.raises(OutOfMemoryError, match='work needs more memory for a '
                                               'single row.*Tried to'):
        Halving('work')(Narrow(len, 0), torch.arange(4))


def test_other_errors_are_not_retried(said):
    for error in (RuntimeError('shapes differ'), ValueError('no')):
        narrow = Narrow(len, 2, error)
        with pytest.raises(type(error)):
            Halving('work')(narrow, torch.arange(4))
        assert narrow.sizes == [4]
    with pytest.raises(TypeError, match='result is a float'):
        Halving('work')(lambda x: Narrow(lambda y: 1., 2)(x), torch.arange(4))


def narrow_prediction(monkeypatch, limit):
    forward = ToyModel.forward

    def narrow(self, rng, *args, **kwargs):
        if kwargs.get('mode') == 'predict' and len(rng) > limit:
            raise ERRORS[0]
        return forward(self, rng, *args, **kwargs)

    monkeypatch.setattr(ToyModel, 'forward', narrow)


def test_validation_test_and_grid_are_the_same(tmp_path, monkeypatch):
    """The toy metric is a mean of the images: scores are those of old."""
    scores, grids = [], []
    for name in ('whole', 'halved'):
        if name == 'halved':
            narrow_prediction(monkeypatch, 3)
        runner = build_runner(tmp_path / name, train_cfg__max_iters=5)
        runner.train()
        scores.append([scalars(tmp_path / name, 'toy/mean'), runner.test()])
        grids.append(next((tmp_path / name / 'samples').glob(
            '*.png')).read_bytes())
    assert scores[0] == scores[1]
    assert grids[0] == grids[1]
    log = '\n'.join(path.read_text() for path in
                    (tmp_path / 'halved').glob('*/*.log'))
    for what in ('sampling a grid', 'validation', 'the test'):
        assert log.count(f'{what}: not enough memory for') == 1


def test_caching_is_the_same(tmp_path, monkeypatch):
    hook = dict(type='CacheFeaturesHook', names=['representations'],
                batch_size=8)
    features = []
    for limit in (99, 3):
        encode = ToyModel.encode
        monkeypatch.setattr(
            ToyModel, 'encode', lambda self, images, encode=encode, n=limit:
            Narrow(lambda x: encode(self, x), n)(images))
        runner = build_runner(
            tmp_path / f'{limit}', train_cfg__max_iters=1, custom_hooks=[
                dict(hook, cache_dir=str(tmp_path / f'cache {limit}'))])
        runner.train()
        rows = runner.train_dataloader.dataset.features['representations']
        features.append(rows[:])
        monkeypatch.undo()
    # A matrix product of another size may round differently.
    torch.testing.assert_close(*features)


def test_features_are_the_same(said):
    images = torch.arange(48, dtype=torch.uint8).view(4, 3, 2, 2)
    module = torch.nn.Flatten()
    whole = extractor.Extractor(module, is_encoder=True)(images)
    module.forward = Narrow(module.forward, 1)
    halved = extractor.Extractor(module, is_encoder=True)(images)
    assert torch.equal(whole['features'], halved['features'])
    assert said[0].startswith('extracting features: not enough memory for 4')


def test_samples_are_the_same(digits_root, said):
    """Untrained weights: the kernels are those of trained ones."""
    cfg = load_config('configs/digits/mage.py',
                      ['model.generator.num_steps=2'])
    rcg = RCGInferencer(cfg, str(digits_root / 'mage'), 'cpu')
    whole = rcg.sample(6, seed=3, batch_size=6, output='tensor')
    rcg.model.sample = Narrow(rcg.model.sample, 3)
    halved = rcg.sample(6, seed=3, batch_size=6, output='tensor')
    assert rcg.model.sample.sizes == [6, 3, 3]
    assert len(said) == 1
    difference = (whole.int() - halved.int()).abs()
    assert difference.max() <= 1  # of a matrix product's rounding
