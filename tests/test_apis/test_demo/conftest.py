"""A folder like that of the quick start, with untrained models."""
import os

import pytest

from rcg.engine import load_config

FEW_STEPS = ['model.generator.num_steps=3']
SHORT = {'mage': [*FEW_STEPS, 'model.rdm.sampler.num_steps=2'],
         'mage_class_cond': FEW_STEPS, 'mage_uncond': FEW_STEPS}


@pytest.fixture(scope='session')
def runs(untrained, tmp_path_factory):
    folder = tmp_path_factory.mktemp('runs')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('RCG_ROOT', str(untrained))
        for name, options in {**SHORT, 'encoder': []}.items():
            place = folder / name
            place.mkdir()
            os.link(untrained / name / 'iter_1.pth', place / 'iter_1.pth')
            cfg = load_config(f'configs/digits/{name}.py', options)
            cfg.work_dir = str(place)
            cfg.dump(place / f'{name}.py')
    os.link(untrained / 'mage' / 'iter_1.pth', folder / 'mage/iter_0.pth')
    (folder / 'features').mkdir()
    return folder
