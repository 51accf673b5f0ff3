"""tools/reference_statistics.py: files of all formats, there and back."""
import json
import pickle

import numpy as np
import pytest
import torch
import torch_fidelity

from rcg.checkpoint import CheckpointError
from rcg.evaluation import shared_extractor
from rcg.evaluation.references import statistics_formats
from rcg.evaluation.references.build import build_reference
from tools import reference_statistics as tool

from ..test_evaluation.toy import ToyExtractor, for_torch_fidelity
from .test_evaluate_images import (  # noqa: F401
    evaluate,
    make_images,
    toy,
    write_folder,
)

ROWS = np.random.default_rng(0).normal(size=(40, 7))
MOMENTS = {'mu': ROWS.mean(0), 'sigma': np.cov(ROWS, rowvar=False)}


def convert(*args):
    tool.run(tool.parse_args([*map(str, args), '--device', 'cpu']))


def same(found, wanted=MOMENTS, tolerance=0.):
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert np.asarray(found[name]) == pytest.approx(value, abs=tolerance)


def test_made_from_images(tmp_path, toy):  # noqa: F811
    images = make_images(30)
    folder = write_folder(tmp_path / 'real', images)
    np.savez(tmp_path / 'real.npz', images, np.zeros(30))
    for real in (folder, tmp_path / 'real.npz'):
        convert(real, tmp_path / 'out.npz', '--features', '--extractor', toy)
        with np.load(tmp_path / 'out.npz', allow_pickle=False) as file:
            found = dict(file)
        about = json.loads(str(found.pop('about')))
        rows = ToyExtractor(0)(torch.from_numpy(images).movedim(3, 1))
        rows = rows['features'].detach().double().numpy()
        assert np.sort(found.pop('features'), 0) == pytest.approx(
            np.sort(rows, 0), abs=1e-6)
        same(found, {'mu': rows.mean(0), 'sigma': np.cov(rows, rowvar=False)},
             1e-6)
        assert about['count'] == 30
        assert about['image_size'] == [16, 16]
        assert about['extractor']['type'] == 'ToyExtractor'


def write_pickle(path, protocol=4):
    path.write_bytes(pickle.dumps(
        {'fid': MOMENTS, 'fd_dinov2': {'mu': ROWS[0], 'sigma': np.eye(7)}},
        protocol))
    return path


@pytest.mark.parametrize('protocol', [3, 4])
@pytest.mark.parametrize('order', 'CF')
def test_pickles_of_edm(tmp_path, protocol, order):
    path = tmp_path / 'img512.pkl'
    path.write_bytes(pickle.dumps({'fid': {
        name: np.asarray(value, order=order)
        for name, value in MOMENTS.items()}}, protocol))
    convert(path, tmp_path / 'out.npz')
    same(statistics_formats.read(str(tmp_path / 'out.npz'))[0])
    about = statistics_formats.read(str(tmp_path / 'out.npz'))[1]
    assert about['source'] == 'img512.pkl'
    assert len(about['source_sha256']) == 64


def test_a_section_of_a_pickle(tmp_path):
    path = write_pickle(tmp_path / 'x.pkl')
    same(statistics_formats.read(str(path), 'fd_dinov2')[0],
         {'mu': ROWS[0], 'sigma': np.eye(7)})
    with pytest.raises(ValueError, match=r"\['fd_dinov2', 'fid'\].*--section"):
        statistics_formats.read(str(path), 'clip')


def test_what_edm2_would_read(tmp_path):
    np.savez(tmp_path / 'x.npz', **MOMENTS)
    convert(tmp_path / 'x.npz', tmp_path / 'x.pkl')
    same(pickle.loads((tmp_path / 'x.pkl').read_bytes())['fid'])
    convert(tmp_path / 'x.pkl', tmp_path / 'y.npz')
    same(statistics_formats.read(str(tmp_path / 'y.npz'))[0])


def test_torch_fidelity_reads_ours_and_we_read_its(
        tmp_path, toy, monkeypatch):  # noqa: F811
    monkeypatch.setitem(torch_fidelity.registry.FEATURE_EXTRACTORS_REGISTRY,
                        'toy', for_torch_fidelity(lambda: ToyExtractor(0)))
    fake = write_folder(tmp_path / 'fake', make_images(40))
    real = write_folder(tmp_path / 'real', make_images(30, 1))

    def distance(place, name, cache):
        return torch_fidelity.calculate_metrics(
            input1=fake, input2=place, input2_cache_name=name, fid=True,
            cuda=False, verbose=False, samples_find_deep=True,
            feature_extractor='toy', cache_root=str(cache))[
                'frechet_inception_distance']

    wanted = distance(real, 'theirs', tmp_path / 'theirs')
    ours = tmp_path / 'ours' / 'ours-toy-stat-fid-features.pt'
    convert(real, ours, '--extractor', toy)
    # Only the cache is used: the folder holds other images.
    assert distance(fake, 'ours', tmp_path / 'ours') == pytest.approx(
        wanted, rel=1e-4)
    for kind in ('stat-fid-features', 'features-features'):
        path = tmp_path / 'theirs' / f'theirs-toy-{kind}.pt'
        convert(path, tmp_path / f'{kind}.npz')
    found, _ = evaluate(
        fake, '--reference', tmp_path / 'stat-fid-features.npz', '--metrics',
        'fid', '--extractor', toy, '--out', tmp_path / 'm.json')
    assert list(found.values()) == [pytest.approx(wanted, rel=1e-4)]
    rows = build_reference(
        str(tmp_path / 'features-features.npz'),
        shared_extractor({'type': 'ToyExtractor'}), rows=True)
    assert rows.features(torch.device('cpu')).shape == (30, 7)


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('boom')", )


@pytest.mark.parametrize(('content', 'message'), [
    ({'mu': Bomb(), 'sigma': np.eye(2)}, 'something else than arrays'),
    ({'mu': np.array([Bomb()]), 'sigma': np.eye(2)}, 'something else'),
    ({'mu': np.arange(3), 'sigma': np.eye(2)}, 'something else than arrays'),
    ([1, 2], 'it holds no dict'), ({'x': 1}, "has none of mu, .*'x'"),
])
def test_pickles_of_other_things(tmp_path, content, message):
    path = tmp_path / 'x.pkl'
    path.write_bytes(pickle.dumps(content, protocol=4))
    with pytest.raises(ValueError, match=message):
        statistics_formats.read(str(path))


def test_damaged_files(tmp_path):
    path = write_pickle(tmp_path / 'x.pkl')
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match='damaged, truncated'):
        statistics_formats.read(str(path))
    path = write_pickle(tmp_path / 'y.pkl', protocol=2)
    with pytest.raises(ValueError, match='protocol other than 3 and 4'):
        statistics_formats.read(str(path))
    torch.save(MOMENTS, tmp_path / 'x.pt')
    content = (tmp_path / 'x.pt').read_bytes()
    (tmp_path / 'x.pt').write_bytes(content[:-100])
    with pytest.raises(CheckpointError, match='x.pt'):
        statistics_formats.read(str(tmp_path / 'x.pt'))
    with pytest.raises(ValueError, match=r'end in \.npz, \.pkl'):
        statistics_formats.read('x.csv')
    with pytest.raises(ValueError, match=r'name it \.npz'):
        statistics_formats.write(str(tmp_path / 'x.csv'), MOMENTS, {})
