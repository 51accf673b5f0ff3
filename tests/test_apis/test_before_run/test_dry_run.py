"""What a run would do and take, from a few steps."""
import pytest

from rcg.apis import before_run, preview
from rcg.apis.before_run import measured
from rcg.apis.before_run.dry_run import in_bytes, in_hours
from rcg.engine import load_config
from tests.test_configs import ROOT
from tests.test_engine.running import CONFIG


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr('rcg.apis.few_steps.SECONDS', .01)


def dry(config, tmp_path, capsys, **options):
    preview(config, work_dir=str(tmp_path / 'work'), options=options)
    assert not (tmp_path / 'work').exists()
    lines = capsys.readouterr().out.splitlines()
    return {line[:14].strip(): line[15:] for line in lines}


def test_all_that_matters_is_said(digits_root, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('WORLD_SIZE', '2')
    said = dry(str(ROOT / 'digits/mage.py'), tmp_path, capsys,
               **{'train_dataloader.batch_size': 4,
                  'train_cfg.max_samples': 800})
    assert said['images'] == '1,438 (Digits)'
    assert said['batch'] == '8 = 4 x 2 processes x 1 accumulated'
    assert said['length'].startswith('100 iterations = ')
    assert said['trained'] == 'generator 601 k'
    for part in ('tokenizer', 'encoder', 'rdm'):
        assert part in said['frozen']
    assert 'images/s' in said['step'] and 'to the end' in said['time']
    assert 'GB at the peak' in said['memory']
    assert 'stored features' in said['disk']
    assert said['missing'].startswith('nothing')


def test_a_large_step_is_measured_with_few_images(tmp_path, capsys,
                                                  monkeypatch):
    monkeypatch.setattr(measured, 'LONGEST', 0.)
    said = dry(CONFIG, tmp_path, capsys)
    assert 'by proportion from a step of 2 images' in said['step']


def test_without_data_a_step_is_of_noise(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('RCG_DATA', raising=False)
    cfg = load_config(str(ROOT / 'digits/classifier.py'))
    cfg.work_dir = str(tmp_path / 'work')
    cfg.train_dataloader.dataset = dict(
        type='ImageFolder', data_root='gone',
        pipeline=[dict(type='CenterCrop', size=16)])
    with pytest.raises(before_run.MissingPartsError, match='no folder'):
        before_run.dry_run(cfg)
    out = capsys.readouterr().out
    assert 'not there (ImageFolder)' in out and 'of noise' in out


def test_a_step_that_fails_is_told(tmp_path, capsys):
    with pytest.raises(ValueError, match='were tried and failed'):
        preview(CONFIG, work_dir=str(tmp_path),
                options={'optim_wrapper.dtype': 'float9'})


def test_amounts():
    assert in_bytes(2_500_000_000) == '2.5 GB'
    assert in_bytes(2_500) == '2.5 kB'
    assert in_hours(90) == '1.5 minutes'
    assert in_hours(7200) == '2 hours'
