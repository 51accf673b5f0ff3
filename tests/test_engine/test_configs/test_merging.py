"""A base that says None may be given a dict."""
import pytest

from rcg.engine import load_config

from ..running import build_runner

BASE = """
a = dict(b=None, c=dict(d=None, e=1))
f = None
hooks = [dict(x=None), None]
shared = dict(y=None)
first = shared
second = shared
"""


@pytest.fixture
def child(tmp_path):
    def load(text='', options=None):
        (tmp_path / 'base.py').write_text(BASE)
        (tmp_path / 'child.py').write_text(f"_base_ = 'base.py'\n{text}")
        return load_config(str(tmp_path / 'child.py'), options).to_dict()
    return load


def test_a_dict_in_a_child(child):
    cfg = child("a = dict(b=dict(type='B'), c=dict(d=dict(k=dict(l=2))))\n"
                "f = dict(type='F')")
    assert cfg['a'] == dict(b=dict(type='B'), c=dict(d=dict(k=dict(l=2)),
                                                     e=1))
    assert cfg['f'] == dict(type='F')
    assert child("f = dict(_delete_=True, type='F')")['f'] == dict(type='F')
    assert child('f = None')['f'] is None


def test_what_shares_a_dict_is_not_changed(child):
    cfg = child('first = dict(y=dict(z=1))')
    assert cfg['first'] == dict(y=dict(z=1))
    assert cfg['second'] == cfg['shared'] == dict(y=None)


def test_a_dict_in_options(child):
    options = {'a.b.type': 'B', 'a.c': dict(d=dict(k=3)),
               'hooks.0.x.n': 1, 'hooks.1.m': 2}
    with pytest.raises(KeyError):  # no names of a Runner
        child(options=options | {'nope.x.y': 1})
    cfg = child(options=options)
    assert cfg['a'] == dict(b=dict(type='B'), c=dict(d=dict(k=3), e=1))
    assert cfg['hooks'] == [dict(x=dict(n=1)), dict(m=2)]


def test_the_timer_of_mmengine_can_be_switched_on(tmp_path):
    runner = build_runner(tmp_path, train_cfg__max_iters=2,
                          default_hooks__timer__type='IterTimerHook')
    runner.train()
    assert any(type(hook).__name__ == 'IterTimerHook'
               for hook in runner.hooks)
