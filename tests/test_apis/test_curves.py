"""Curves of several runs in one picture."""
import json

import pytest

from rcg.apis.curves import compare_curves, points_of, read_log


def write_run(folder, batch, steps, start=0, name='0'):
    """A log of a run on 100 images, whose loss falls with the images seen."""
    path = folder / name / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    lines = []
    for step in range(start + 10, start + steps + 1, 10):
        seen = step * batch
        lines.append(dict(loss=1 / seen, iter=step, step=step,
                          samples_seen=seen, epoch=seen / 100))
    lines.append({'val/fid': 9., 'step': start + steps})
    path.write_text('\n'.join(map(json.dumps, lines)))
    return folder


def test_runs_of_different_batch_sizes_lie_on_each_other(tmp_path):
    small = read_log(write_run(tmp_path / 'a', 5, 80))
    large = read_log(write_run(tmp_path / 'b', 20, 20))
    for over, scale in (('epoch', 100), ('samples_seen', 1)):
        one, two = (dict(points_of(log, 'loss', over))
                    for log in (small, large))
        assert two == {x: 1 / (scale * x) for x in (200 / scale, 400 / scale)}
        assert two.items() <= one.items()
        # A validation is where the images were that it came after.
        assert points_of(large, 'val/fid', over) == [(400 / scale, 9.)]
    assert points_of(large, 'loss') == [(10, 1 / 200), (20, 1 / 400)]


def test_a_resumed_run_is_one_curve(tmp_path):
    write_run(tmp_path, 1, 40)
    write_run(tmp_path, 1, 40, start=20, name='1')  # steps 30 and 40 again
    log = tmp_path / '1' / 'vis_data' / 'scalars.json'
    log.write_text(log.read_text() + '\n{"loss": 3.5, "it')  # killed
    points = points_of(read_log(tmp_path), 'loss')
    assert [x for x, _ in points] == [10, 20, 30, 40, 50, 60]


def test_what_is_not_there_is_named(tmp_path):
    run = write_run(tmp_path / 'a', 5, 20)
    with pytest.raises(ValueError, match="'lss', but .*epoch.*loss.*val/fid"):
        compare_curves([run], 'lss', tmp_path / 'x.png')
    with pytest.raises(ValueError, match='is it a work folder'):
        compare_curves([tmp_path / 'none'], 'loss', tmp_path / 'x.png')
    with pytest.raises(ValueError, match='earlier version'):
        points_of([dict(iter=3, loss=1.)], 'loss', 'epoch')
