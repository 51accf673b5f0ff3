"""The benchmark runs, and its ways do the same work; not how fast."""
import json
import math

import pytest
import torch
from mmengine.registry import init_default_scope
from torch.nn import functional as F

from rcg.apis import benchmark
from rcg.apis.benchmarking import run
from rcg.apis.benchmarking.measuring import Variant, measure
from rcg.apis.benchmarking.works import (
    PLAIN_BATCH,
    Bench,
    cache,
    decode,
    explicit,
    features,
    rdm_sample,
    rdm_train,
)
from rcg.engine import load_config
from rcg.models.layers.dropout import dropout

CONFIG = 'configs/digits/mage.py'
WORKS = {'loading', 'cache', 'features', 'rdm_train', 'generator_train',
         'rdm_sample', 'generator_sample', 'decode'}


@pytest.mark.parametrize('faster', [True, False])
def test_all_works_of_a_model(tmp_path, monkeypatch, capsys, faster):
    monkeypatch.setattr(run, 'matrix_rates', lambda device: {
        torch.float32: 1e10, torch.bfloat16: 3e10 if faster else 1e10})
    monkeypatch.setattr(run, 'loading', lambda count: [
        Variant('plain', lambda: None, count)])
    out = tmp_path / 'rows.json'
    rows = benchmark([CONFIG], quick=True, rounds=1, batch_size=2,
                     image_size=16, device='cpu', out=str(out), options={
                         'model.rdm.denoiser.width': 16,
                         'model.generator.num_steps': 1})
    assert json.loads(out.read_text()) == rows
    assert {row['work'] for row in rows} == WORKS
    printed = capsys.readouterr().out
    for row in rows:
        assert row['per_second'] > 0 and row['peak_memory_mb'] > 0
        assert math.isfinite(row['share_of_limit'])
        assert f'{row["work"]:16} {row["variant"]}' in printed
    firsts = {row['work']: row for row in reversed(rows)}
    assert all(row['ratio'] == 1 and row['variant'].startswith('plain')
               for row in firsts.values())
    trained = [row['variant'] for row in rows
               if row['work'] == 'generator_train']
    assert trained == ['plain, batch 2', 'cached, float32, batch 2'] + [
        'cached, bfloat16, batch 2'] * faster


def test_the_plain_way_has_pytorchs_dropout():
    x, outs = torch.ones(2**15), []
    for act in explicit(lambda: dropout(x, .5)), lambda: F.dropout(x, .5):
        torch.manual_seed(0)
        outs.append(act())
    assert torch.equal(*outs)


def test_stored_representations_are_neither_trained_nor_measured():
    init_default_scope('rcg')
    cfg = run._config('configs/digits/mage_oracle.py', None, quick=True)
    bench = Bench(cfg, torch.device('cpu'), 2, 4, 16, False)
    assert rdm_train(bench) == rdm_sample(bench) == []


def test_ways_agree():
    """Explicit attention and bfloat16 change no more than they have to."""
    init_default_scope('rcg')
    torch.manual_seed(0)
    bench = Bench(load_config(CONFIG), torch.device('cpu'), 2, 4, 16, True)
    for work, wanted in (features, 3e-2), (decode, 3e-2):
        plain, *low = (variant.act() for variant in work(bench))
        if work is features:
            torch.testing.assert_close(low.pop(0), plain)
        assert len(low) == 1
        for other in low:
            assert (other - plain).abs().mean() < wanted * plain.std()


def test_ways_of_sampling_agree():
    """And count the same products, packed or not, but for those of times."""
    torch.manual_seed(0)
    bench = Bench(load_config(CONFIG, {
        'model.rdm.denoiser.width': 512, 'model.rdm.denoiser.num_blocks': 1,
        'model.rdm.sampler.num_steps': 20}), torch.device('cpu'), 2,
        PLAIN_BATCH, 16, False)
    torch.nn.init.normal_(bench.model.rdm.denoiser.output_proj.weight)
    plain, ours, same = (variant.act() for variant in rdm_sample(bench))
    torch.testing.assert_close(ours, plain)
    assert torch.equal(same, ours)
    rows = measure(rdm_sample(bench), 1, torch.device('cpu'),
                   {torch.float32: 1e9})
    plain, ours, _ = (row['share_of_limit'] / row['per_second']
                      for row in rows)
    assert .7 < ours / plain < 1


def test_stored_features_are_those_of_the_first_image():
    bench = Bench(load_config(CONFIG), torch.device('cpu'), 2, 4, 16, False)
    computed, stored = (variant.act() for variant in cache(bench))
    assert computed.keys() == stored.keys()
    for name, rows in stored.items():
        torch.testing.assert_close(rows[1], computed[name][0])


def test_ways_take_turns():
    calls = []
    rows = measure([Variant(name, lambda name=name: calls.append(name), 8)
                    for name in 'ab'], 2, torch.device('cpu'),
                   {torch.float32: 1e9})
    assert calls == list('abab' 'ab')
    assert [row['variant'] for row in rows] == ['a', 'b']
