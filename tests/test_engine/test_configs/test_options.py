"""Options of the command line: malformed ones are one sentence."""
import random
import time

import pytest
from mmengine.config import Config, DictAction

from rcg.engine import load_config
from rcg.engine.configs.options import merge_options, parse_options

CONFIG = 'configs/digits/mage.py'


def random_value(rng, depth=3):
    kind = rng.randrange(4 if depth else 2)
    if kind < 2:
        return rng.choice(['1', '-2.5', '1e-3', 'a', 'True', 'None', "'x'",
                           'a.b', 'x_y', '"q"', 'inf', ' 3', 'a b', ''])
    items = ','.join(random_value(rng, depth - 1)
                     for _ in range(rng.randrange(4)))
    return f'({items})' if kind == 2 else f'[{items}]'


def test_values_are_those_of_mmengine():
    rng = random.Random(0)
    for _ in range(2000):
        text = random_value(rng)
        found = parse_options([f'a={text}'])['a']
        if isinstance(found, str):  # MMEngine drops spaces and quotes
            found = found.replace(' ', '').strip('\'"')
        assert found == DictAction._parse_iterable(text), text
    for text in ('1,2', '1,', ',', ',1', '1,,2', '(1)', '[]', '()', 'a(b',
                 'a]', '((1),(2))', 'a=b', '"1,2"', 'x,(1,2),[3]', '('):
        assert parse_options([f'a={text}']) == {
            'a': DictAction._parse_iterable(text)}, text


def test_values_that_mmengine_does_not_end_with():
    assert parse_options(['a=f(a,b)', 'b=[1],[2]', 'c=(1,2)(3,4)']) == {
        'a': 'f(a,b)', 'b': [[1], [2]], 'c': '(1,2)(3,4)'}


@pytest.mark.parametrize('option', [
    'a', '=1', '', 'a..b=1', '.a=1', 'a.=1', 'a=[1,2', 'a=1,2)', 'a=(1,2]',
    'a=([1,2)]', 'a=' + '[' * 1000 + ']' * 1000, 'a=' + '[1,' * 40 + ']' * 40,
    'a=' + '(' * 8000 + '1,' + ')' * 8000, 'a=' + '1,' * 10000, 'a=1\0',
    'a\0=1', 'a=' + '9' * 5000, 'a=' + '9' * 21, 'a=1e999', 'a=-1e999',
    'a=[1,1e999]', '.'.join('a' * 100) + '=1', 'a=' + 'x' * 10**6,
    '\udcff'])
def test_malformed_options(option):
    started = time.monotonic()
    with pytest.raises(ValueError, match='option') as caught:
        parse_options([option])
    assert len(str(caught.value)) < 400
    assert time.monotonic() - started < 2


@pytest.mark.parametrize('options', [
    ['model=3', 'model.x=4'], ['custom_hooks.0=3'], ['custom_hooks.x=3'],
    ['custom_hooks.99.type=3'], ['custom_hooks.²=3'], ['model.type.x.y=3'],
    ['optim_wrapper.type.0=1'], ['train_cfg=1', 'train_cfg.a.b=1']])
def test_options_that_do_not_fit(options):
    with pytest.raises((ValueError, KeyError, TypeError)):
        load_config(CONFIG, options)
    cfg = Config(dict(custom_hooks=[{}], model=dict(type='x')))
    with pytest.raises((ValueError, KeyError, TypeError)):
        merge_options(cfg, parse_options(['custom_hooks.0=3']))


@pytest.mark.parametrize('content', [
    b'\xff\xfe', b'a = 1\0', b'a = ' + b'(' * 1000 + b')' * 1000,
    b'a = ' + b'-' * 100000 + b'1', b'a = [' * 300, b'a = b', b'a = 1 / 0',
    b'a = {}["b"]', b'a = [][1]', b'assert 0', b'a = "".x', b'raise OSError',
    b'_base_ = 3', b'_base_ = [[]]', b'a = 1e', b'a = "',
    b'\x89PNG\r\n', b'a = 9' + b'9' * 5000])
def test_malformed_config_files(tmp_path, content):
    (tmp_path / 'x.py').write_bytes(content)
    with pytest.raises((OSError, ValueError, KeyError, TypeError,
                        SyntaxError, ImportError)):
        load_config(str(tmp_path / 'x.py'))
