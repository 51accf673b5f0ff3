"""Stock parts of MMEngine work, and stay as they are for others."""
import subprocess
import sys

import pytest

from .test_engine.running import environment

# What others that share the process rely on. Executed by a fresh process.
_UNCHANGED = """
import importlib, pkgutil, sys
import mmengine.logging.logger as logger
import mmengine.model, mmengine.runner, mmengine.registry
from mmengine.registry import DefaultScope, Registry
from mmengine.runner import CheckpointLoader

def state():
    found = {}
    for name, registry in vars(mmengine.registry).items():
        if isinstance(registry, Registry):
            found[name] = {**registry.module_dict,
                           'build_func': registry.build_func}
    for module in list(sys.modules.values()):
        name = getattr(module, '__name__', '')
        if name in seen:
            found[name] = dict(vars(module))
            for kind, cls in vars(module).items():
                if isinstance(cls, type) and cls.__module__ == name:
                    found[name, kind] = dict(vars(cls))
    found['schemes'] = dict(CheckpointLoader._schemes)
    found['scope'] = DefaultScope.get_current_instance()
    return found

seen = {name for name in sys.modules if name.startswith('mmengine')}
before = state()
assert before['schemes'] and len(before['MODELS']) > 1
import rcg
for module in pkgutil.walk_packages(rcg.__path__, 'rcg.'):
    if not module.name.startswith('rcg.projects.'):
        importlib.import_module(module.name)
after = state()
# What imports of MMEngine's own submodules add is no change.
for name, value in before.items():
    if not isinstance(value, dict):
        assert after[name] == value, name
        continue
    changed = [key for key in value if after[name].get(key) is not value[key]
               and key not in ('__builtins__', '_abc_impl')]
    assert not changed, (name, changed)
"""


@pytest.mark.slow
def test_importing_rcg_changes_nothing_of_mmengine():
    done = subprocess.run([sys.executable, '-c', _UNCHANGED],
                          capture_output=True, text=True, check=False,
                          env=environment(), timeout=600)
    assert done.returncode == 0, done.stderr
