"""The parts of a page about one run, or several."""
import json
from collections.abc import Iterator, Sequence

from mmengine.config import Config

from rcg.apis.before_run.dry_run import in_bytes
from rcg.apis.charts import Chart
from rcg.apis.config_keys import OPTIONS, differences, own_keys
from rcg.apis.page import Section
from rcg.apis.reporting.record import RATE, RunRecord, date
from rcg.engine import load_config

MOST_GRIDS = 8
MOST_CHARTS = 24
_LAST = ('lr', 'memory_mb', RATE)  # after losses and metrics


def sections_of(run: RunRecord, level: int = 2) -> Iterator[Section]:
    """All that is known of a run.

    Args:
        level: Of the headings; a page of several stages has its own above.
    """
    yield _about(run, level)
    yield Section('Curves', charts=charts([run]), level=level)
    yield from _pictures(run, level)
    yield from _metrics(run, level)
    yield _config(run, level)
    yield from _environment(run, level)
    if run.checkpoints:
        yield Section('Checkpoints', table=[
            ('file', 'size', 'written'), *(
                (name, in_bytes(size), date(when))
                for name, size, when in run.checkpoints)], level=level)


def compared(runs: Sequence[RunRecord]) -> Iterator[Section]:
    """Several runs on the same axes."""
    yield Section('Runs', table=[
        ('run', 'state', 'iterations', 'speed', 'folder'),
        *((run.name, run.state, run.iterations(), run.speed(),
           str(run.folder)) for run in runs)])
    yield Section('Curves', charts=charts(runs))
    yield Section('Metrics', [
        'The results of tests; two can be compared if their protocols agree '
        '(tools/compare_metrics.py).'], table=_table_of_metrics(runs))
    yield Section('The newest samples', pictures=[
        (f'{run.name}, iteration {grids[-1][0]:,}', grids[-1][1])
        for run in runs if (grids := run.grids())])
    for run in runs[1:]:
        yield Section(
            f'Config: {runs[0].name} and {run.name}', table=_diff_table(
                runs[0].config, run.config, runs[0].name, run.name))


def charts(runs: Sequence[RunRecord]) -> list[Chart]:
    """A chart of each value that any run has logged, losses first."""
    names = dict.fromkeys(name for run in runs for name in run.series)

    def place(name: str) -> int:
        if 'loss' in name:
            return 0
        return 1 if '/' in name else 3 if name in _LAST else 2

    chosen = sorted(names, key=place)[:MOST_CHARTS]
    return [Chart(name, {run.name: run.series.get(name, ())
                         for run in runs}) for name in chosen]


def _about(run: RunRecord, level: int) -> Section:
    done, total, left = run.progress
    rows = [('', ''), ('state', run.state), ('iterations', run.iterations()),
            ('speed', run.speed())]
    if left and run.state == 'running' and done < total:
        rows.append(('time left', left))
    rows.append(('folder', str(run.folder)))
    texts = []
    if run.state in ('stopped', 'failed'):
        texts.append('The run has ended before its last iteration. The same '
                     'command with --resume goes on with it.')
    return Section('State', texts, table=rows, level=level, folded=[
        ('the end of its last traceback', run.error)] if (
            run.state == 'failed') else ())


def _pictures(run: RunRecord, level: int) -> Iterator[Section]:
    grids = run.grids()
    if grids:
        yield Section('Samples over time', [
            'From the same random numbers each time.'], pictures=[
                (f'iteration {step:,}', file) for step, file in
                _spread(grids)], level=level)
    others = [(f'{kind}, iteration {newest[0]:,}', newest[1])
              for kind in run.kinds_of_grids()
              for newest in run.grids(kind)[-1:]]
    if others:
        yield Section('Pictures of metrics', pictures=others, level=level)


def _spread(grids: Sequence) -> list:
    """Some of all, evenly; the first and the last are among them."""
    if len(grids) <= MOST_GRIDS:
        return list(grids)
    return [grids[round(i * (len(grids) - 1) / (MOST_GRIDS - 1))]
            for i in range(MOST_GRIDS)]


def _metrics(run: RunRecord, level: int) -> Iterator[Section]:
    if run.metrics:
        yield Section(
            'Metrics', table=_table_of_metrics([run]), level=level, folded=[
                (f'protocol of {name}', json.dumps(
                    found['protocol'], indent=1, ensure_ascii=False))
                for name, found in run.metrics.items()])


def _table_of_metrics(runs: Sequence[RunRecord]) -> list[tuple[str, ...]]:
    """Scores by name, a column for each file of results."""
    columns = [(f'{run.name}: {file}' if len(runs) > 1 else file, found)
               for run in runs for file, found in run.metrics.items()]
    names = sorted({name for _, found in columns for name, value in
                    found.items() if isinstance(value, (int, float))})
    if not names:
        return []
    return [('', *(title for title, _ in columns)), *(
        (name, *(f'{found[name]:.4g}' if isinstance(
            found.get(name), (int, float)) else '' for _, found in columns))
        for name in names)]


def _config(run: RunRecord, level: int) -> Section:
    """The config, what the run changed of it, what it sets itself."""
    source, texts, table, folded = run.source, [], [], []
    if run.config is None:
        texts.append('There is no config that can be read.')
    elif source is not None:
        texts.append(f'Started with {source}.')
        # A config is code, and may fail in any way, also later.
        try:
            table = _diff_table(load_config(source), run.config,
                                'in the file', 'in this run')
            folded = [('what this config sets itself, on its bases',
                       '\n'.join(f'{key} = {value!r}' for key, value
                                 in own_keys(source)))]
        except Exception as error:
            texts.append(f'It cannot be read now: {error}')
        texts.append(f'What this run changed of it ({OPTIONS} and the '
                     'like):' if table else 'This run changed nothing of it.')
    if run.config_text:
        folded.append(('the whole config', run.config_text))
    return Section('Config', texts, table=table, folded=folded, level=level)


# They say where a run is and how it was started, not what it is.
_PLACES = 'work_dir', 'launcher', 'load_from', 'resume'


def _diff_table(old: Config | None, new: Config | None, first: str,
                second: str) -> list[tuple[str, str, str]]:
    if old is None or new is None:
        return []
    found = [(one.key, one.old or '', one.new or '')
             for one in differences(old, new) if one.key not in _PLACES]
    return [('', first, second), *found] if found else []


def _environment(run: RunRecord, level: int) -> Iterator[Section]:
    if not run.starts:
        return
    rows = [('start', 'from iteration', 'command')]
    for about in run.starts:
        resumed = about.get('resumed')
        begun = resumed.get('iteration') if isinstance(resumed, dict) else 0
        rows.append((str(about.get('time', '')), str(begun),
                     str(about.get('command', ''))))
    newest = run.starts[-1]
    shown = {name: newest[name] for name in (
        'rcg', 'torch', 'machine', 'gpus', 'processes', 'seed', 'git',
        'variables', 'packages') if name in newest}
    yield Section('Environment', table=rows, level=level, folded=[
        ('machine, versions and variables of the last start',
         json.dumps(shown, indent=1, ensure_ascii=False))])
