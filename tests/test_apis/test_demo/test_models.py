"""Models of a folder: found, loaded one after the other, described."""
import shutil

import pytest

from rcg.apis.demo import models as module
from rcg.apis.demo.models import Facts, Models


@pytest.fixture
def models(runs):
    return Models([str(runs)], 'cpu')


def test_generators_and_their_checkpoints_are_found(models):
    assert models.names == ['mage', 'mage/iter_0.pth', 'mage_class_cond',
                            'mage_uncond']  # no encoder; RCG's come first


def test_those_of_the_quick_start_are_the_default(runs, tmp_path,
                                                  monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'tools/quickstart\.sh'):
        Models()
    place = tmp_path / 'work_dirs/quickstart/mage_uncond'
    shutil.copytree(runs / 'mage_uncond', place)
    assert Models().names == ['mage_uncond']


@pytest.mark.parametrize(('path', 'names'), [
    ('mage', ['mage', 'mage/iter_0.pth']),
    ('mage/iter_0.pth', ['mage/iter_0.pth'])])
def test_a_work_folder_or_a_checkpoint(runs, path, names):
    assert Models([str(runs / path)]).names == names


@pytest.mark.parametrize('path', ['encoder', 'features', 'none'])
def test_where_no_model_is(runs, path):
    with pytest.raises(FileNotFoundError, match=f'no model .*{path}'):
        Models([str(runs / path)])


def test_few_are_kept_in_memory(models, monkeypatch):
    monkeypatch.setattr(module, 'RCGInferencer', lambda *args, **kwargs:
                        object())
    first = models['mage']
    assert models['mage_uncond'] is not first
    assert models['mage'] is first
    models['mage_class_cond']
    assert models['mage'] is first  # it was used after mage_uncond
    assert list(models._loaded) == ['mage_class_cond', 'mage']


@pytest.mark.parametrize('name', ['../mage', None, ['mage']])
def test_an_unknown_name(models, name):
    with pytest.raises(ValueError, match='there is no model'):
        models[name]


def test_facts(models):
    assert models.facts('mage') == Facts(0, 1.5, 3, None, True)
    assert models.facts('mage_uncond') == Facts(None, 4.5, 3, None, False)
    assert models.facts('mage_class_cond') == Facts(0, 1.5, 3, 10, False)
