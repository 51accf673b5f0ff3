"""Stages: order, memory of what is done, failure."""
import json
import time

import pytest

from rcg.apis import run_command
from rcg.apis import stages as module
from rcg.apis.stages import Stage, StageRunner


class Elsewhere:
    """Runs the tools of another folder, in a fresh process too."""

    def __init__(self, home):
        self.home = home

    def __call__(self, *args):
        run_command.home = lambda: self.home
        run_command.run_command(*args)


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A tool that appends its name to a log, or fails."""
    home = tmp_path / 'home'
    (home / 'tools').mkdir(parents=True)
    (home / 'tools' / 'train.py').write_text(
        'import os, pathlib, sys\n'
        'name = sys.argv[1]\n'
        'root = pathlib.Path(os.environ["RCG_ROOT"])\n'
        '(root / name).mkdir(exist_ok=True)\n'
        'with open(root / "log", "a") as file:\n'
        '    file.write(name + "\\n")\n'
        'sys.exit((root / "fail").exists() and name == "b")\n')
    monkeypatch.setattr(module, 'run_command', Elsewhere(home))
    return tmp_path / 'work'


def plan(**extra):
    return [Stage(name, ['tools/train.py', name, *extra.get(name, [])], needs)
            for name, needs in (('a', ()), ('b', ('a', )), ('c', ('b', )),
                                ('d', ()))]


def log(root):
    path = root / 'log'
    names = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return names


# A process that is spawned imports for five seconds.
@pytest.mark.parametrize(('start', 'stages'), [('fork', 'abcd'),
                                               ('spawn', 'ab')])
def test_order_and_memory(tools, start, stages, monkeypatch):
    monkeypatch.setattr(module, 'START', start)
    assert StageRunner(tools).run(plan()[:len(stages)]) == []
    names = log(tools)
    assert sorted(names) == list(stages)
    assert [name for name in names if name != 'd'] == sorted(
        set(stages) - {'d'})
    records = json.loads((tools / 'stages.json').read_text())
    assert all(record['done'] and record['peak_memory_mb'] > 0
               for record in records.values())
    assert StageRunner(tools).run(plan()[:len(stages)]) == []
    assert log(tools) == []


def test_another_command_starts_that_stage_and_its_users_afresh(tools):
    StageRunner(tools).run(plan())
    log(tools)
    (tools / 'b' / 'old').touch()
    StageRunner(tools).run(plan(b=['--short']))
    assert log(tools) == ['b', 'c']
    assert not (tools / 'b' / 'old').exists()


def test_failure_is_named_and_goes_on_from_there(tools):
    tools.mkdir()
    (tools / 'fail').touch()
    assert StageRunner(tools).run(plan()) == ['b']
    assert 'c' not in log(tools)
    (tools / 'fail').unlink()
    assert StageRunner(tools).run(plan()) == []
    assert {'b', 'c'} <= set(log(tools)) <= {'b', 'c', 'd'}


def test_a_stage_that_runs_alone(tools):
    stages = plan()
    stages[1].alone = True
    runner = StageRunner(tools)
    assert runner.run(stages) == []
    alone = runner.records['b']
    for name in 'acd':
        other = runner.records[name]
        assert (other['ended'] <= alone['began']
                or other['began'] >= alone['ended'])


def test_peak_memory_counts_what_ran_together(tools):
    runner = StageRunner(tools)
    runner.records = {
        name: dict(began=began, ended=ended, peak_memory_mb=mb)
        for name, began, ended, mb in (
            ('a', 0, 4, 100), ('b', 3, 6, 50), ('c', 5, 7, 200))}
    runner.records['old'] = dict(peak_memory_mb=999)
    assert runner.peak_memory_mb() == 250


def test_folders_with_braces_and_blanks(tools, capsys):
    root = tools.parent / "it's {0} {root}"
    assert StageRunner(root).run([
        Stage('a', ['tools/train.py', 'a', '{root}/x'])]) == []
    assert json.loads((root / 'stages.json').read_text())['a'][
        'command'][-1] == f'{root}/x'
    assert "RCG_ROOT='" in capsys.readouterr().out


def test_a_signal_to_the_driver_alone_stops_its_stages(tools, monkeypatch):
    (tools.parent / 'home' / 'tools' / 'train.py').write_text(
        'import time\ntime.sleep(60)\n')
    waits = []

    def interrupted(sentinels):
        waits.append(sentinels)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, 'wait', interrupted)
    runner, start = StageRunner(tools), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        runner.run(plan())
    assert len(waits) == 1 and not runner.running
    assert time.monotonic() - start < 30
    assert not any(record['done'] for record in runner.records.values())
