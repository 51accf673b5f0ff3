"""State, padding and memory of metrics."""
import io

import pytest
import torch
from mmengine.evaluator import DumpResults

from rcg.checkpoint import file_sha256
from rcg.engine.test_states import ResumableMetric
from rcg.evaluation import (
    RowMetric,
    SampleMetric,
    SumMetric,
    shared_extractor,
)
from rcg.registry import METRICS
from tests.test_evaluation.toy import output_of, run_processes

EXTRACTOR = {'type': 'ToyExtractor', 'seed': 7}
IMAGES = {'type': 'ToyImages'}
CONFIGS = [
    {'type': 'FrechetDistance', 'extractor': EXTRACTOR, 'reference': IMAGES},
    {'type': 'InceptionScore', 'extractor': EXTRACTOR, 'num_splits': 3},
    {'type': 'PrecisionRecall', 'extractor': EXTRACTOR, 'reference': IMAGES},
]
SIZE, BATCH = 103, 16
BATCHES = [[output_of(i) for i in range(start, start + BATCH)]
           for start in range(0, SIZE, BATCH)]  # the last one has padding


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch):
    """As the images are, whatever this machine has."""
    monkeypatch.setattr('rcg.evaluation.metrics.sample_metric.get_device',
                        lambda: 'cpu')


def build(cfg, size=SIZE):
    metric = METRICS.build(cfg)
    if size is not None:
        metric.dataset_meta = {'num_images': size}
    return metric


def taken(cfg, batches, size=SIZE):
    metric = build(cfg, size)
    for batch in batches:
        metric.process({}, batch)
    return metric


@pytest.fixture(params=CONFIGS, ids=lambda cfg: cfg['type'])
def cfg(request):
    return request.param


def test_another_process_goes_on(cfg):
    whole = taken(cfg, BATCHES).evaluate(SIZE)
    # The last batch, of which a part is padding, is among the earlier ones.
    first, second = (taken(cfg, BATCHES[i::3]) for i in range(2))
    third = build(cfg)
    third.load_state([first.state(), second.state()])
    for batch in BATCHES[2::3]:
        third.process({}, batch)
    assert third.evaluate(SIZE) == whole


def test_a_state_of_a_state(cfg):
    whole = taken(cfg, BATCHES).evaluate(SIZE)
    state = taken(cfg, BATCHES[:3]).state()
    for batch in BATCHES[3:]:
        metric = build(cfg)
        metric.load_state([state])
        metric.process({}, batch)
        state = metric.state()
    last = build(cfg)
    last.load_state([state])
    assert last.evaluate(SIZE) == whole


def resumed(cfg, states):
    metric = build(cfg)
    metric.load_state(states if torch.distributed.get_rank() == 0 else [])
    return metric.evaluate(SIZE)


def test_all_was_done_before_and_others_have_nothing(cfg, tmp_path):
    whole = taken(cfg, BATCHES).evaluate(SIZE)
    states = [taken(cfg, BATCHES[i::2]).state() for i in range(2)]
    for found in run_processes(3, tmp_path, resumed, cfg, states):
        assert found == whole


def test_rows_are_added_to_a_state_and_sums_replace_it(cfg):
    metric = taken(cfg, BATCHES[:2])
    first = metric.state()
    for batch in BATCHES[2:]:
        metric.process({}, batch)
    second = metric.state(2)
    states = [second] if metric.cumulative else [first, second]
    other = build(cfg)
    other.load_state(states)
    assert other.evaluate(SIZE) == metric.evaluate(SIZE)


def test_what_is_known_to_be_padding_is_not_kept(cfg):
    state = taken(cfg, BATCHES).state()
    assert sorted(state['indices'].tolist()) == list(range(SIZE))


def bytes_of(value):
    file = io.BytesIO()
    torch.save(value, file)
    return file.getbuffer().nbytes


@pytest.mark.parametrize('cfg', CONFIGS[:2], ids=lambda cfg: cfg['type'])
def test_memory_does_not_grow_with_the_samples(cfg):
    """Nothing but an index a sample is kept."""
    sizes = []
    for count in (20, 80):
        metric = build(cfg, 100 * BATCH)
        for number in range(count):
            metric.process({}, [{**sample, 'index': number * BATCH + i}
                                for i, sample in enumerate(BATCHES[0])])
        indices = metric.state()['indices']
        assert len(indices) == count * BATCH
        held = {name: value for name, value in vars(metric).items()
                if name not in ('extractor', 'reference')}
        held['_pending'] = list(held['_pending'].settled(0))
        moments = held.pop('_moments', None)
        sizes.append(bytes_of([held, vars(moments) if moments else None]))
    assert abs(sizes[0] - sizes[1]) < 100  # numbers are longer


def test_a_last_batch_without_a_known_size():
    whole = taken(CONFIGS[1], BATCHES).evaluate(SIZE)
    assert taken(CONFIGS[1], BATCHES, None).evaluate(SIZE) == whole


def test_description():
    metric = build(CONFIGS[2])
    about = metric.describe()
    assert about['type'] == 'PrecisionRecall'
    assert about['k'] == 3
    assert about['reference']['count'] == 130
    assert about['extractor']['type'] == 'ToyExtractor'
    assert {'type', 'k', 'extractor', 'reference'} == about.keys()


def test_names_are_those_of_the_results():
    metric = taken(CONFIGS[1], BATCHES)
    assert metric.names == ()
    assert set(metric.evaluate(SIZE)) == set(metric.names) == {
        'generation/is', 'generation/is_std'}


def test_kinds():
    assert issubclass(SumMetric, SampleMetric)
    assert issubclass(RowMetric, SampleMetric)
    assert SumMetric.cumulative
    assert not RowMetric.cumulative


def test_digests_are_those_of_the_weights(tmp_path):
    network = shared_extractor(EXTRACTOR).module
    torch.save(network.state_dict(), tmp_path / 'toy.pth')
    path = str(tmp_path / 'toy.pth')
    extractor = {**EXTRACTOR, 'checkpoint': path}
    for cfg in CONFIGS:
        assert build(cfg).digests() == {'extractor': None}
        metric = build({**cfg, 'extractor': extractor})
        assert metric.digests() == {'extractor': file_sha256(path)}


def test_the_engine_can_go_on_with_metrics(cfg):
    assert isinstance(build(cfg), ResumableMetric)
    assert not isinstance(DumpResults(out_file_path='x.pkl'),
                          ResumableMetric)
