"""rcg.apis: every function by name, nothing imported before it is used."""
import subprocess
import sys

import pytest

from rcg import apis

from ..test_engine.running import environment


def test_every_name_is_there():
    for name in apis.__all__:
        assert callable(getattr(apis, name)), name
        assert name in dir(apis)
    with pytest.raises(AttributeError, match='rcg.apis.*nothing'):
        apis.nothing  # noqa: B018


def test_a_name_is_not_hidden_by_its_module():
    """Else what is found would depend on what was imported before."""
    for name in apis.__all__:
        module = sys.modules[getattr(apis, name).__module__]
        assert module.__name__ != f'rcg.apis.{name}'


def test_importing_it_imports_no_pytorch():
    done = subprocess.run(
        [sys.executable, '-c', 'import rcg.apis, sys;'
         'assert "torch" not in sys.modules'], env=environment(),
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_train_then_test(tmp_path):
    from ..test_engine.running import CONFIG
    runner = apis.train(CONFIG, work_dir=tmp_path,
                        options={'train_cfg.max_iters': 4})
    assert runner.iter == 4
    metrics = apis.test(CONFIG, str(tmp_path), work_dir=str(tmp_path),
                        out=str(tmp_path / 'new' / 'metrics.json'))
    assert metrics.keys() == {'toy/mean', 'protocol'}
    assert (tmp_path / 'new' / 'metrics.json').is_file()
