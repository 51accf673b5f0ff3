"""A model of few steps, loaded once: no call changes it."""
import pytest

from rcg.apis import RCGInferencer
from rcg.engine import load_config


@pytest.fixture(scope='session')
def rcg(untrained):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('RCG_ROOT', str(untrained))
        cfg = load_config('configs/digits/mage.py', [
            'model.generator.num_steps=3', 'model.rdm.sampler.num_steps=2'])
        return RCGInferencer(cfg, untrained / 'mage', 'cpu')
