"""Mutated JSON files, lists of names, options and configs."""
import copy
import json
import random
from pathlib import Path

import torch
from mmengine.config import Config

from rcg.apis.classes import _read_names
from rcg.apis.metrics_comparison import compare_metrics, describe
from rcg.apis.sweep.records import Records
from rcg.checkpoint import CheckpointError, find_checkpoint
from rcg.engine.configs.options import merge_options, parse_options

from .harness import fuzz, mutated

_ODD = [None, True, 3, -1.5, 10**400, float('nan'), float('inf'), '', 'x',
        '\ud800', '\0', [], {}, [[]], {'': None}, {'results': 'x'}, 'a' * 999]
_METRICS = {'fid': 3.5, 'is': 180, 'protocol': {
    'samples': {'count': 50}, 'quantization': 'truncate',
    'metrics': [{'results': ['fid'], 'extractor': {'sha256': 'e'}},
                {'results': ['is'], 'num_splits': 10}]}}
_SWEEP = {'identity': {'model': 'x'}, 'rows': [
    {'setting': {'guidance_scale': 2.}, 'metrics': {'fid': 3.},
     'protocol': {}}]}
_TOKENS = ['[', ']', '(', ')', ',', "'", '"', ' ', '=', '.', '1', '1e999',
           '9' * 30, '9' * 4400, 'None', 'True', 'a', 'model', 'model.type',
           'hooks.0', 'hooks.0.x', '0', '-', '\0', '\n', 'ü', '\udcff', '²',
           '_delete_', '{', '}', '__class__', 'inf', '[' * 200, '1,' * 3000]


def odd_json(rng: random.Random, content):
    """Content with one value at any level replaced or moved."""
    if rng.random() < .15 or not isinstance(content, (dict, list)):
        value = rng.choice(_ODD)
        if rng.random() < .1:
            for _ in range(rng.choice([10, 63, 100, 400])):
                value = [value] if rng.random() < .5 else {'a': value}
        return value
    content = copy.copy(content)
    keys = list(content) if isinstance(content, dict) else range(len(content))
    if not keys:
        return rng.choice(_ODD)
    key = rng.choice(keys)
    if rng.random() < .1:
        del content[key]
    else:
        content[key] = odd_json(rng, content[key])
    return content


def _json(rng: random.Random, base) -> bytes:
    kind = rng.random()
    text = json.dumps(odd_json(rng, base) if kind < .6 else base)
    if kind > .95:
        return rng.choice([b'[', b'{"a":', b'[[],']) * rng.choice([50, 10**5])
    if kind > .9:
        return (text[:-1] + ', ' + text[1:]).encode()  # keys twice
    if kind > .5:
        return mutated(rng, text.encode())
    return text.encode()


def fuzz_metrics(seed: int, cases: int, folder: str | Path
                 ) -> dict[str, int]:
    """Files of scores, compared with a good one."""
    good = Path(folder, 'good.json')
    good.write_text(json.dumps(_METRICS))

    def read(path: str) -> None:
        describe(compare_metrics(str(good), path)).encode()

    return fuzz('metrics.json', seed, cases, folder,
                lambda rng: _json(rng, _METRICS), read, (ValueError, ))


def fuzz_sweeps(seed: int, cases: int, folder: str | Path) -> dict[str, int]:
    """Records of a sweep."""
    return fuzz('sweep.json', seed, cases, folder,
                lambda rng: _json(rng, _SWEEP),
                lambda path: Records(Path(folder), _SWEEP['identity']),
                (ValueError, OSError))


def fuzz_class_names(seed: int, cases: int, folder: str | Path
                     ) -> dict[str, int]:
    """Lists of names: text, or JSON."""
    bases = [b'cat\nsea bird, gull\n', b'["cat", ["sea bird", "gull"]]',
             b'{"0": "cat", "1": "sea bird"}', 'ü\nñ'.encode()]

    def make(rng: random.Random) -> bytes:
        if rng.random() < .5:
            return mutated(rng, rng.choice(bases))
        return _json(rng, json.loads(rng.choice(bases[1:3])))

    return fuzz('names', seed, cases, folder, make, _read_names,
                (ValueError, OSError))


def fuzz_last_checkpoint(seed: int, cases: int, folder: str | Path
                         ) -> dict[str, int]:
    """The file that names the newest checkpoint of a work folder."""
    newest = Path(folder, 'iter_10.pth')
    torch.save({}, newest)
    bases = [str(newest).encode(), b'x', b'../..', bytes(9), b'/dev/zero']
    return fuzz('last_checkpoint', seed, cases, folder,
                lambda rng: mutated(rng, rng.choice(bases)),
                lambda path: find_checkpoint(str(folder)),
                (ValueError, OSError, CheckpointError))


def fuzz_options(seed: int, cases: int, folder: str | Path) -> dict[str, int]:
    """--cfg-options, read and merged into a config."""
    code = f"__import__('pathlib').Path('{folder}/executed').touch()"

    def make(rng: random.Random) -> str:
        words = [rng.choice(_TOKENS) for _ in range(rng.randrange(1, 20))]
        if rng.random() < .8:
            words[:0] = [rng.choice(['model.a', 'hooks.0.x', 'a', 'hooks',
                                     'model', 'a.b.c']), '=']
        if rng.random() < .1:
            words.append(code)
        return ''.join(words)

    def read(text: str) -> None:
        cfg = Config(dict(model=dict(type='x'), hooks=[dict(type='y')]))
        merge_options(cfg, parse_options([text, 'model.b=1']))

    return fuzz('options', seed, cases, folder, make, read,
                (ValueError, KeyError, TypeError))
