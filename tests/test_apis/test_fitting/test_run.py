"""fit() with tools of paper: what it decides, runs and leaves."""
import json

import numpy as np
import pytest
import timm
from PIL import Image
from safetensors.torch import save_file

from rcg.apis import few_steps, fit, run_command
from rcg.apis.fitting import costs, encoders, run
from rcg.apis.fitting.choices import TEMPERATURES, Cost
from rcg.apis.fitting.costs import measure
from rcg.apis.fitting.encoders import encoder_values
from rcg.apis.fitting.project import write_project
from rcg.apis.fitting.report import best_temperature
from rcg.engine import load_config
from rcg.engine.configs.files import find_config
from rcg.models.encoders import find_timm_encoder
from rcg.registry import ENCODERS

# A tool that writes what the report reads.
TOOL = """
import json, pathlib, sys
from PIL import Image
args = sys.argv
kind, name = pathlib.Path(args[0]).stem, pathlib.Path(args[1]).stem
root = pathlib.Path(args[1]).parent
out = pathlib.Path(args[args.index('--out') + 1]) if '--out' in args else None
with open(root / 'log', 'a') as file:
    file.write(f'{kind}:{name}\\n')
picture = Image.new('RGB', (32, 32))
if out is not None:
    folder = out.parent if out.suffix else out
    folder.mkdir(parents=True, exist_ok=True)
if kind == 'train':
    log = root / name / 'one/vis_data'
    log.mkdir(parents=True, exist_ok=True)
    (log / 'scalars.json').write_text(''.join(json.dumps(dict(
        iter=i, loss=1 / i, psnr=20 + i)) + '\\n' for i in (1, 2, 3)))
    sys.exit((root / f'fail_{name}').exists())
elif kind == 'measure_tokenizer':
    out.write_text(json.dumps(dict(psnr=21.5, verdict=['Colors are lost.'])))
    picture.save(folder / 'grid.png')
elif kind == 'test':
    scores = {'held_out/fd': len(name), 'held_out/fd_real': 1.25,
              'train/fd': 2.5, 'held_out/near_train': .07,
              'held_out/fd_infinity': len(name) / 8,
              'held_out/fd_infinity_real': .125,
              'held_out/color_distance': .25,
              'held_out/color_distance_real': .1}
    out.write_text(json.dumps(scores))
elif kind == 'sweep':
    rows = [dict(setting=dict(temperature=t),
                 metrics={'held_out/fd': abs(t - 10)})
            for t in TEMPERATURES]
    (out / 'sweep.json').write_text(json.dumps(dict(rows=rows)))
else:
    for stem in ('000000', '000001', 'grid'):
        picture.save(out / f'{stem}.png')
"""


@pytest.fixture
def images(tmp_path, monkeypatch):
    """A folder of images; stages run tools of paper."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    tools = tmp_path / 'home' / 'tools'
    tools.mkdir(parents=True)
    for name in ('train', 'measure_tokenizer', 'test', 'sweep', 'sample'):
        (tools / f'{name}.py').write_text(
            TOOL.replace('TEMPERATURES', repr(TEMPERATURES)))
    monkeypatch.setattr(run_command, 'home', lambda: tmp_path / 'home')
    monkeypatch.setattr(run, 'measure',
                        lambda *args, **options: Cost(.1, 100, 10))
    folder = tmp_path / "it's {mine}"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(10):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
                        ).save(folder / f'{i}.png')
    return folder


def log(out):
    names = (out / 'log').read_text().split()
    (out / 'log').unlink()
    return names


def test_all_of_it(images, tmp_path, capsys):
    out = tmp_path / 'out'
    arguments = dict(size=32, time_limit='10m', out=str(out), device='cpu')
    summary = fit(str(images), **arguments)
    assert json.loads((out / 'summary.json').read_text()) == summary
    assert summary['fd'] == len('mage')
    assert summary['fd_reconstructed'] == len('tokenizer')
    assert summary['fd_real'] == 1.25
    assert (summary['fd_infinity'], summary['fd_infinity_real'],
            summary['fd_infinity_reconstructed']) == (.5, .125, 9 / 8)
    assert (summary['near_train'], summary['images']) == (.07, 10)
    assert summary['temperature'] == 10
    assert set(summary['seconds']) >= {'encoder', 'tokenizer', 'rdm', 'mage'}
    assert summary['peak_memory_mb'] > 0
    assert '_temperature = 10.0' in (out / 'settings.py').read_text()
    page = (out / 'report.html').read_text()
    assert 'Colors are lost.' in page
    steps = summary['steps']['mage']
    assert f'<tr><td>mage</td><td>{steps:,}</td><td>' in page
    assert 'all together' in page
    assert 'samples 0.500, training images 0.125' in page
    assert 'Chosen: 10, the lowest whose FD is within 3% of' in page
    assert page.count('data:image/png') == 4  # no nearest images here
    assert page.count('<svg') == page.count('<polyline') == 4
    assert 'aria-label="tokenizer: PSNR in dB"' in page
    assert (out / 'samples' / '000001.png').exists()
    names = log(out)
    assert names.index('measure_tokenizer:tokenizer') < names.index(
        'train:mage')
    # The same command goes on: nothing is left to do.
    capsys.readouterr()
    assert fit(str(images), **arguments)['fd'] == summary['fd']
    assert not (out / 'log').exists()
    assert 'trying' not in capsys.readouterr().out


def test_pictures_of_a_project_among_the_images_are_none_of_them(
        images, monkeypatch, capsys):
    monkeypatch.chdir(images)
    for _ in range(2):
        fit('.', size=32, time_limit='10m', device='cpu')
        printed = capsys.readouterr().out
        assert '10 images, shorter side 40' in printed
        assert 'is in the folder of images' in printed
    assert list(images.glob('work_dirs/fit/*/samples/*.png'))
    with pytest.raises(ValueError, match='holds the images'):
        fit('.', size=32, out='.', device='cpu')


def test_a_stage_that_fails_is_gone_on_from(images, tmp_path):
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'fail_rdm').touch()
    arguments = dict(time_limit='10m', out=str(out), device='cpu')
    with pytest.raises(RuntimeError, match='rdm failed'):
        fit(str(images), **arguments)
    assert 'train:mage' not in log(out)
    (out / 'fail_rdm').unlink()
    fit(str(images), **arguments)
    assert 'train:encoder' not in log(out)


def test_a_baseline_has_as_many_steps(images, tmp_path):
    summary = fit(str(images), time_limit='10m', out=str(tmp_path / 'out'),
                  device='cpu', baseline=True)
    assert summary['fd_unconditional'] == len('mage_uncond')
    assert summary['steps']['mage_uncond'] == summary['steps']['mage']


def test_pixels_are_drawn_without_codes(images, tmp_path):
    out = tmp_path / 'out'
    arguments = dict(time_limit='10m', out=str(out), device='cpu',
                     generator='pixels')
    summary = fit(str(images), baseline=True, **arguments)
    assert summary['generator'] == 'pixels'
    assert summary['fd'] == len('pixels')
    assert summary['fd_unconditional'] == len('pixels_uncond')
    assert summary['fd_infinity_unconditional'] == len('pixels_uncond') / 8
    assert not {'temperature', 'tokenizer', 'verdict'} & summary.keys()
    steps = summary['steps']
    assert set(steps) == {'encoder', 'rdm', 'pixels', 'pixels_uncond'}
    assert steps['pixels'] == steps['pixels_uncond']
    assert set(log(out)) == {
        f'{kind}:{name}' for kind, names in dict(
            train=steps, test=('pixels', 'pixels_uncond'),
            sample=('pixels', )).items() for name in names}
    page = (out / 'report.html').read_text()
    assert 'okenizer' not in page and 'emperature' not in page
    assert page.count('data:image/png') == 2
    with pytest.raises(ValueError, match='generator = pixels, and now'):
        fit(str(images), baseline=True, **{**arguments, 'generator': 'mage'})
    with pytest.raises(ValueError, match="one of mage, pixels, got 'gan'"):
        fit(str(images), generator='gan')


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """A file of timm's weights, named after its model."""
    path = tmp_path_factory.mktemp('timm') / 'test_vit.r160_in1k.safetensors'
    save_file(timm.create_model('test_vit').state_dict(), path)
    return path


def test_a_pretrained_encoder_that_is_named(images, tmp_path, weights):
    out = tmp_path / 'out'
    arguments = dict(time_limit='10m', out=str(out), device='cpu')
    summary = fit(str(images), encoder=str(weights), **arguments)
    assert 'encoder' not in summary['steps']
    assert 'train:encoder' not in log(out)
    cfg = load_config(str(out / 'mage.py'))
    assert cfg.model.encoder == dict(type='TimmEncoder', pretrained=str(
        weights), model='test_vit.r160_in1k')
    features = ENCODERS.build(cfg.model.encoder.to_dict()).rep_dim
    denoiser = cfg.model.rdm.denoiser
    assert denoiser.rep_dim == features == 64
    assert denoiser.width >= 2 * features
    assert cfg.model.generator.network.condition.rep_dim == features
    with pytest.raises(ValueError, match='with asked_encoder = .*, and now'):
        fit(str(images), **arguments)


@pytest.mark.parametrize(('asked', 'seconds', 'taken'), [
    ('auto', 1., True), ('auto', 100., False), ('test_vit', 100., True),
    ('train', 1., False)])
def test_an_encoder_that_is_found(images, tmp_path, weights, monkeypatch,
                                  capsys, asked, seconds, taken):
    """It is taken if it leaves time for the rest, or was named."""
    found, _ = find_timm_encoder(str(weights))
    monkeypatch.setattr(encoders, 'find_timm_encoder',
                        lambda **named: (found, ['Another is damaged.']))
    monkeypatch.setattr(run, 'measure', lambda *args, work='step': Cost(
        seconds if work == 'features' else .1, 100, 10))
    fit(str(images), time_limit='10m', device='cpu', dry_run=True,
        encoder=asked)
    printed = capsys.readouterr().out
    assert ('encoder  ' not in printed) == taken
    assert (f'Encoder: {found}; its features' in printed) == taken
    assert ('Another is damaged.' in printed) == (asked == 'auto')


def test_an_encoder_that_is_not_there(images):
    for asked, wanted in [('no/such.safetensors', 'There is no file'),
                          ('resnet18.a1_in1k', 'not on this machine'),
                          ('resnet180', 'timm has no model')]:
        with pytest.raises((FileNotFoundError, ValueError), match=wanted):
            fit(str(images), device='cpu', encoder=asked)


def test_features_are_measured_with_their_weights(tmp_path, weights):
    write_project(tmp_path, str(tmp_path), 'tiny_32', encoder_values(
        find_timm_encoder(str(weights))[0], dict(width=16, num_blocks=1)))
    cost = measure(tmp_path / 'parts.py', 'cpu', 1, work='features')
    assert cost.seconds > 0
    weights_gone = tmp_path / 'parts.py'
    weights_gone.write_text(weights_gone.read_text().replace(
        'encoder = dict(_base_._encoder)',
        "encoder = dict(_base_._encoder, pretrained='gone.safetensors')"))
    with pytest.raises(ValueError, match=r'features.*gone\.safetensors'):
        measure(weights_gone, 'cpu', 1, work='features')


@pytest.mark.parametrize(('seconds', 'dtype'), [
    (.05, 'bfloat16'), (.09, 'float32')])
def test_precision_is_that_which_was_faster(images, tmp_path, monkeypatch,
                                            capsys, seconds, dtype):
    tried = []

    def tell(path, *args, work='step'):
        if work == 'precisions':
            tried.append(path.stem)
            return Cost(.1, 100, 10, dict(float32=.1, bfloat16=seconds))
        return Cost(.1, 100, 10)

    monkeypatch.setattr(run, 'measure', tell)
    monkeypatch.setattr(run, 'is_emulated', lambda dtype: False)
    out = tmp_path / 'out'
    fit(str(images), time_limit='10m', out=str(out), device='cpu')
    assert tried == ['encoder', 'rdm', 'mage']
    assert f"_dtype = '{dtype}'" in (out / 'settings.py').read_text()
    assert f'Precision: {dtype}; a step' in capsys.readouterr().out
    cfg = load_config(out / 'mage.py')
    assert cfg.optim_wrapper.dtype == dtype


def test_a_cpu_that_has_no_bfloat16_is_not_tried_in_it(
        images, tmp_path, monkeypatch, capsys):
    tried = set()

    def tell(path, *args, work='step'):
        tried.add(work)
        return Cost(.1, 100, 10)

    monkeypatch.setattr(run, 'measure', tell)
    monkeypatch.setattr(run, 'is_emulated', lambda dtype: True)
    out = tmp_path / 'out'
    fit(str(images), time_limit='10m', out=str(out), device='cpu')
    assert tried == {'step', 'image'}
    assert ('Precision: float32; this CPU has no instructions for bfloat16'
            in capsys.readouterr().out)
    assert load_config(out / 'mage.py').optim_wrapper.dtype == 'float32'


def test_a_step_is_timed_in_both_precisions(tmp_path, monkeypatch):
    monkeypatch.setattr(few_steps, 'SECONDS', 0.)
    write_project(tmp_path, str(tmp_path), 'tiny_32', dict(
        _rdm=dict(width=16, num_blocks=1)))
    cost = costs._cost(str(tmp_path / 'rdm.py'), 'cpu', 'precisions')
    assert set(cost.by_dtype) == {'float32', 'bfloat16'}
    assert min(cost.by_dtype.values()) > 0


@pytest.mark.parametrize(('generator', 'epochs', 'noise'), [
    ('mage', 15, 0.), ('mage', 59, 0.), ('mage', 61, .3), ('pixels', 30, 0.),
    ('pixels', 70, .3)])
def test_noise_on_the_condition_is_for_long_trainings(generator, epochs,
                                                      noise):
    preset = load_config(find_config('rcg::folder/tiny_32.py'))
    steps = {'rdm': 100, 'tokenizer': 100,
             generator: epochs * 4000 // preset._batch[generator]}
    assert run.for_steps(preset, steps, 4000, generator)['_noise'] == noise


@pytest.mark.parametrize(('fds', 'chosen'), [
    ([1.73, 1.62, 1.57, 1.55, 1.65, 1.65], 6.),  # 1.57 is 1.55 but for chance
    ([1.56, 1.62, 1.57, 1.55, 1.65, 1.65], 1.),
    ([9., 8., 7., 6., 5., 4.], 25.)])
def test_of_temperatures_that_are_as_good_the_lowest_is_chosen(
        tmp_path, fds, chosen):
    rows = [dict(setting=dict(temperature=t), metrics={'held_out/fd': fd})
            for t, fd in zip(TEMPERATURES, fds, strict=True)]
    path = tmp_path / 'sweep.json'
    path.write_text(json.dumps(dict(rows=rows[::-1])))
    assert best_temperature(path) == chosen


def test_labels_train_a_generator_by_class(images, tmp_path):
    out = tmp_path / 'out'
    for i in range(10):
        (images / 'ab'[i % 2]).mkdir(exist_ok=True)
        (images / f'{i}.png').rename(images / 'ab'[i % 2] / f'{i}.png')
    arguments = dict(time_limit='10m', out=str(out), device='cpu')
    summary = fit(str(images), class_cond=True, **arguments)
    assert summary['fd_class_cond'] == len('mage_class_cond')
    assert summary['temperature_class_cond'] == 10
    assert summary['steps']['mage_class_cond'] == summary['steps']['mage']
    assert (out / 'by_class/000001.png').exists()
    page = (out / 'report.html').read_text()
    assert 'A generator by class after as many steps: 15.000' in page
    assert '2 class folders of 5 to 5 images' in page
    cfg = load_config(str(out / 'mage_class_cond.py'))
    assert cfg.model.generator.network.condition.num_classes == 2
    assert cfg.test_dataloader.dataset.num_classes == 2
    with pytest.raises(ValueError, match='class_cond = True, and now it is'):
        fit(str(images), **arguments)


def test_a_generator_by_class_needs_labels(images, tmp_path):
    with pytest.raises(ValueError, match='needs labels, and .* has none'):
        fit(str(images), class_cond=True, out=str(tmp_path / 'out'),
            device='cpu')
    assert not (tmp_path / 'out').exists()


def test_a_dry_run_writes_nothing(images, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert fit(str(images), dry_run=True, device='cpu') == {}
    assert not (tmp_path / 'work_dirs').exists()
    printed = capsys.readouterr().out
    assert '10 images, shorter side 40' in printed
    assert 'stage             steps   minutes   memory MB   disk MB' in printed


def test_another_project_is_not_touched(images, tmp_path):
    arguments = dict(time_limit='10m', out=str(tmp_path / 'out'),
                     device='cpu')
    fit(str(images), size=32, **arguments)
    with pytest.raises(ValueError, match='size = 32, and now it is 64'):
        fit(str(images), size=64, **arguments)


def test_a_plan_of_another_version_is_refused(images, tmp_path):
    out = tmp_path / 'out'
    out.mkdir()
    for content in ('{}', '{"folder": 1, "more": 2}', 'broken'):
        (out / 'plan.json').write_text(content)
        with pytest.raises(ValueError, match='plan.json'):
            fit(str(images), out=str(out), device='cpu')
