"""tools/evaluate_images.py on small images and a small extractor."""
import json
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch_fidelity
from PIL import Image
from torch_fidelity import fidelity

from rcg.checkpoint import CheckpointError
from tests.forked import run_ranks
from tools import evaluate_images

from ..test_engine.running import run_tool
from ..test_evaluation.conftest import random_network  # noqa: F401
from ..test_evaluation.toy import ToyExtractor, for_torch_fidelity


def make_images(count, seed=0, size=16):
    """(count, size, size, 3): noise on gradients."""
    rng = np.random.default_rng(seed)
    slopes = rng.normal(size=(count, 1, 1, 3)) * (4 + seed)
    ramp = np.linspace(-4, 4, size)[:, None, None]
    noise = rng.normal(size=(count, size, size, 3))
    return (128 + 20 * noise + slopes * ramp**2).clip(0, 255).astype('u1')


def write_folder(folder, images, ending='png'):
    for number, image in enumerate(images):
        path = folder / f'{number % 3}' / f'{number:05}.{ending}'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return str(folder)


@pytest.fixture
def toy(tmp_path):
    """A config of the small extractor, with weights."""
    torch.save(ToyExtractor(0).state_dict(), tmp_path / 'toy.pth')
    path = tmp_path / 'toy.py'
    path.write_text(
        "custom_imports = dict(imports=['tests.test_evaluation.toy'])\n"
        "extractor = dict(type='ToyExtractor', "
        f"checkpoint='{tmp_path}/toy.pth')\n")
    return str(path)


def evaluate(*args):
    """Scores and protocol of one call."""
    args = evaluate_images.parse_args([*map(str, args), '--device', 'cpu',
                                       '--num-workers', '0'])
    evaluate_images.run(args)
    found = json.loads(Path(args.out).read_text())
    return found, found.pop('protocol')


@pytest.fixture
def places(tmp_path):
    return (write_folder(tmp_path / 'fake', make_images(64)),
            write_folder(tmp_path / 'real', make_images(50, 1)))


def fidelity_scores(monkeypatch, capsys, *args):
    """What torch-fidelity's command line prints."""
    monkeypatch.setattr(sys, 'argv', [
        'fidelity', '--cpu', '--json', '--silent', '--no-cache',
        '--samples-find-deep', '--fid', '--isc', *map(str, args)])
    capsys.readouterr()
    fidelity.main()
    return json.loads(capsys.readouterr().out)


NAMES = {'real/fd_toyextractor': 'frechet_inception_distance',
         'generation/is': 'inception_score_mean',
         'generation/is_std': 'inception_score_std',
         'real/kd_toyextractor': 'kernel_inception_distance_mean',
         'real/precision': 'precision', 'real/recall': 'recall'}


def test_agrees_with_the_command_line_of_torch_fidelity(
        places, toy, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(torch_fidelity.registry.FEATURE_EXTRACTORS_REGISTRY,
                        'toy', for_torch_fidelity(lambda: ToyExtractor(0)))
    theirs = fidelity_scores(
        monkeypatch, capsys, '--input1', places[0], '--input2', places[1],
        '--kid', '--prc', '--kid-subset-size', 40, '--feature-extractor',
        'toy')
    ours, _ = evaluate(places[0], '--reference', places[1], '--extractor',
                       toy, '--metrics', 'fid', 'is', 'kid', 'prc',
                       '--kid-subset-size', 40, '--out', tmp_path / 'm.json')
    for our_name, their_name in NAMES.items():
        assert ours[our_name] == pytest.approx(theirs[their_name], rel=1e-4)


@pytest.mark.slow
def test_agrees_with_torch_fidelity_through_inception(
        random_network, tmp_path, monkeypatch, capsys):  # noqa: F811
    """Through the true network; few images, since it is slow."""
    fake = write_folder(tmp_path / 'fake', make_images(20, 0, 64))
    real = write_folder(tmp_path / 'real', make_images(12, 1, 64))
    theirs = fidelity_scores(
        monkeypatch, capsys, '--input1', fake, '--input2', real, '--kid',
        '--prc', '--kid-subset-size', 10, '--feature-extractor',
        'inception-v3-compat', '--feature-extractor-weights-path',
        random_network[1])
    ours, protocol = evaluate(
        fake, '--reference', real, '--metrics', 'fid', 'is', 'kid', 'prc',
        '--kid-subset-size', 10, '--weights', random_network[1], '--out',
        tmp_path / 'm.json')
    for our_name, their_name in NAMES.items():
        our_name = our_name.replace('fd_toyextractor', 'fid').replace(
            'kd_toyextractor', 'kid')
        assert ours[our_name] == pytest.approx(
            theirs[their_name], rel=1e-4, abs=0), our_name
    assert protocol['metrics'][0]['extractor']['resize'] == (
        'tensorflow to 299')


def test_the_overview_of_sample_py_is_named(places, toy, tmp_path):
    folder = write_folder(tmp_path / 'drawn', make_images(24))
    Image.fromarray(make_images(1, 0, 64)[0]).save(f'{folder}/grid.png')
    with pytest.raises(ValueError, match='grid.png.*move it elsewhere'):
        evaluate(folder, '--reference', places[1], '--extractor', toy,
                 '--metrics', 'fid', '--out', tmp_path / 'm.json')


def test_folders_and_archives_give_the_same(places, toy, tmp_path):
    # Sorted, as the files are: by folder.
    order = sorted(range(64), key=lambda i: (i % 3, i))
    np.savez(tmp_path / 'fake.npz', make_images(64)[order],
             np.zeros(64, np.int64))  # ADM's second array: labels
    out = '--extractor', toy, '--out', tmp_path / 'm.json'
    folder, about = evaluate(places[0], '--reference', places[1], *out)
    archive, _ = evaluate(tmp_path / 'fake.npz', '--reference', places[1],
                          *out)
    assert archive == folder
    assert about['samples']['count'] == 64
    assert about['samples']['image_size'] == [16, 16]
    reference = about['metrics'][0]['reference']
    assert (reference['kind'], reference['count']) == ('images', 50)
    assert about['metrics'][0]['extractor']['sha256']


def test_several_references_in_one_run(places, toy, tmp_path, capsys):
    statistics = tmp_path / 'adm.npz'
    run_statistics(places[1], statistics, '--extractor', toy)
    found, about = evaluate(
        places[0], '--reference', f'val={places[1]}', f'ADM={statistics}',
        '--metrics', 'fid', '--extractor', toy, '--out', tmp_path / 'm.json')
    assert found['val/fd_toyextractor'] == pytest.approx(
        found['ADM/fd_toyextractor'], rel=1e-12)
    kinds = [metric['reference']['kind'] for metric in about['metrics']]
    assert kinds == ['images', 'statistics']
    assert 'ADM/fd_toyextractor' in capsys.readouterr().out
    with pytest.raises(ValueError, match="two references are named 'real'"):
        evaluate(places[0], '--reference', places[1], places[1])


def run_statistics(*args):
    from tools import reference_statistics as tool
    tool.run(tool.parse_args([*map(str, args), '--num-workers', '0',
                              '--device', 'cpu']))


@pytest.mark.slow
def test_processes_give_the_same(places, toy, tmp_path):
    args = (places[0], '--reference', places[1], '--extractor', toy,
            '--metrics', 'fid', 'is', 'prc', '--batch-size', '7', '--device',
            'cpu', '--out')
    found = []
    for run in (run_tool, partial(run_ranks, 3, folder=tmp_path)):
        run('evaluate_images.py', *args, tmp_path / 'm.json')
        found.append(json.loads((tmp_path / 'm.json').read_text()))
        found[-1]['protocol'].pop('run')
    assert found[0] == found[1]


def test_gray_and_opaque_images_are_converted_and_counted(
        places, toy, tmp_path, capsys):
    folder = Path(places[0])
    gray = Image.open(folder / '0' / '00000.png').convert('L')
    gray.save(folder / '0' / '00000.png')
    Image.open(folder / '0' / '00003.png').convert('RGBA').save(
        folder / '0' / '00003.png')
    with_alpha = evaluate(places[0], '--reference', places[1], '--extractor',
                          toy, '--out', tmp_path / 'm.json')
    assert with_alpha[1]['samples']['converted'] == {
        'gray to RGB': 1, 'opaque alpha dropped': 1}
    assert '1 of 64 images were not plain RGB: gray' in capsys.readouterr().out
    gray.convert('RGB').save(folder / '0' / '00000.png')
    Image.open(folder / '0' / '00003.png').convert('RGB').save(
        folder / '0' / '00003.png')
    assert evaluate(places[0], '--reference', places[1], '--extractor', toy,
                    '--out', tmp_path / 'm.json')[0] == with_alpha[0]


@pytest.mark.parametrize('which', [0, 1])
def test_transparent_images_are_blended_over_white(places, toy, tmp_path,
                                                   which):
    path = Path(places[which]) / '1' / '00001.png'
    image = Image.open(path).convert('RGBA')
    image.putalpha(128)
    image.save(path)
    scores, about = evaluate(places[0], '--reference', places[1],
                             '--extractor', toy, '--out', tmp_path / 'm.json')
    if which == 0:
        assert about['samples']['converted'] == {'blended over white': 1}
    white = Image.new('RGBA', image.size, 'white')
    Image.alpha_composite(white, image).convert('RGB').save(path)
    assert evaluate(places[0], '--reference', places[1], '--extractor', toy,
                    '--out', tmp_path / 'm.json')[0] == scores


def test_the_overview_of_samples_is_left_out(places, toy, tmp_path):
    scores = evaluate(places[0], '--reference', places[1], '--extractor', toy,
                      '--out', tmp_path / 'm.json')[0]
    grid = Path(places[0]) / 'grid.png'
    Image.new('RGB', (90, 90)).save(grid)
    with pytest.raises(ValueError, match='overview'):
        evaluate(places[0], '--reference', places[1], '--extractor', toy)
    (Path(places[0]) / 'samples.json').write_text('{}')  # sample.py's record
    assert evaluate(places[0], '--reference', places[1], '--extractor', toy,
                    '--out', tmp_path / 'm.json')[0] == scores


def test_jpeg_is_never_fit_for_publication(toy, tmp_path, capsys):
    folder = write_folder(tmp_path / 'fake', make_images(12), 'jpg')
    _, about = evaluate(folder, '--metrics', 'is', '--extractor', toy,
                        '--out', tmp_path / 'm.json')
    assert about['samples']['jpeg_files'] == 12
    assert 'never publish' in capsys.readouterr().err


def spoil(folder, kind):
    path = Path(folder) / '1' / '00001.png'
    if kind == 'size':
        Image.new('RGB', (16, 17)).save(path)
    elif kind == 'truncated':
        path.write_bytes(path.read_bytes()[:-300])
    elif kind == 'text':
        path.write_text('no image')
    else:
        shape = (16, 16, 3) if kind == 'deep' else (16, 16)
        cv2.imwrite(str(path), np.full(shape, 700, np.uint16))


@pytest.mark.parametrize(('kind', 'message'), [
    ('deep', '1 of .. files.*00001.png.* more than 8 bits'),
    ('deep gray', '00001.png.* more than 8 bits a channel.*write 8 bits'),
    ('size', '00000.png. has 16x16 and .*00001.png. 16x17 pixels'),
    ('truncated', '00001.png. is damaged or truncated'),
    ('text', '00001.png. cannot be read'),
])
@pytest.mark.parametrize('which', [0, 1])
def test_bad_files(places, toy, kind, message, which, tmp_path):
    spoil(places[which], kind)
    with pytest.raises(ValueError, match=message):
        evaluate(places[0], '--reference', places[1], '--extractor', toy,
                 '--out', tmp_path / 'm.json')


@pytest.mark.parametrize(('metric', 'count', 'message'), [
    ('is', 9, "'is' needs at least 10 images, got 9"),
    ('kid', 64, "'kid' needs at least 1000 images, got 64"),
    ('prc', 3, "'prc' needs at least 4"), ('dc', 5, "'dc' needs at least 6"),
    ('fid', 1, "'fid' needs at least 2"),
])
def test_too_few_images(toy, tmp_path, metric, count, message):
    fake = write_folder(tmp_path / 'fake', make_images(count))
    real = write_folder(tmp_path / 'real', make_images(20, 1))
    with pytest.raises(ValueError, match=message):
        evaluate(fake, '--reference', real, '--metrics', metric,
                 '--extractor', toy)


def test_what_does_not_fit(places, toy, tmp_path):
    small = write_folder(tmp_path / 'small', make_images(9, 1, 8))
    np.savez(tmp_path / 'small.npz', make_images(9, 1, 8))
    run_statistics(small, tmp_path / 'statistics.npz', '--extractor', toy)
    for name in ('small', 'small.npz', 'statistics.npz'):
        with pytest.raises(ValueError, match=r'8x8 pixels, and yours have '
                           '16x16, so the distance'):
            evaluate(places[0], '--reference', tmp_path / name,
                     '--extractor', toy)
    with pytest.raises(ValueError, match='--reference'):
        evaluate(places[0], '--extractor', toy)
    with pytest.raises(ValueError, match="'sfid' needs the spatial output"):
        evaluate(places[0], '--reference', places[1], '--metrics', 'sfid',
                 '--extractor', toy)
    with pytest.raises(ValueError, match='neither a folder nor an npz'):
        evaluate(places[0], '--reference', tmp_path / 'toy.pth',
                 '--extractor', toy)
    with pytest.raises(FileNotFoundError):
        evaluate(tmp_path / 'absent')


def test_wrong_and_truncated_weights(places, toy, tmp_path):
    weights = tmp_path / 'toy.pth'
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    with pytest.raises(CheckpointError, match=r'toy\.pth. .* is truncated'):
        evaluate(places[0], '--metrics', 'is', '--extractor', toy)
    torch.save({'conv.weight': torch.zeros(7, 3, 3, 3)}, weights)
    with pytest.raises(CheckpointError, match='not those of ToyExtractor'):
        evaluate(places[0], '--metrics', 'is', '--extractor', toy)
    weights.write_bytes(whole)
    np.savez(tmp_path / 'cut.npz', make_images(20))
    content = (tmp_path / 'cut.npz').read_bytes()
    (tmp_path / 'cut.npz').write_bytes(content[:-200])
    for images, reference in [('cut.npz', 'real'), ('fake', 'cut.npz')]:
        with pytest.raises(ValueError, match='damaged or truncated'):
            evaluate(tmp_path / images, '--reference', tmp_path / reference,
                     '--extractor', toy)
