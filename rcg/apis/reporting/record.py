"""What a run has left in its work folder, in whatever state it is."""
import contextlib
import dataclasses
import datetime
import functools
import os
import re
import time
from pathlib import Path

from mmengine.config import Config

from rcg.apis.curves import read_log
from rcg.apis.run_config import config_of_work_dir
from rcg.checkpoint import run_configs
from rcg.engine import load_config
from rcg.engine.configs.files import find_config
from rcg.engine.configs.stages import find_stage
from rcg.engine.folder_lock import LOCK, SILENCE
from rcg.files import read_json, read_regular

# A line of progress: done/all, and what is left at its end.
_PROGRESS = re.compile(r'  (\d+)/(\d+)  .*?(?:left (.+?))?\s*$')
_AXES = 'iter', 'step', 'time', 'epoch', 'samples_seen'
_LARGEST_LOG = 64 << 20
RATE = 'iterations_per_second'
# What may be read of a file: damaged ones are passed over.
_DAMAGED = (OSError, ValueError, KeyError, TypeError, SyntaxError)


@dataclasses.dataclass
class RunRecord:
    """A work folder.

    Attributes:
        folder: The folder.
        name: What the run is called on the page.
    """
    folder: Path
    name: str

    @functools.cached_property
    def series(self) -> dict[str, list[tuple[float, float]]]:
        """Logged values by name, over iterations.

        Where a run was resumed, the newer values take the place of those that
        were lost.
        """
        found: dict[str, dict[float, float]] = {}
        for record in read_log(self.folder):
            step = record.get('iter', record.get('step'))
            if not isinstance(step, (int, float)):
                continue
            for name, value in record.items():
                if name not in _AXES and isinstance(value, (int, float)):
                    found.setdefault(name, {})[step] = float(value)
        series = {name: sorted(values.items())
                  for name, values in found.items()}
        # What stands at 0 alone is the result of a test, not of a training.
        series = {name: points for name, points in series.items()
                  if points[-1][0] > 0}
        losses = [name for name in series if 'loss' in name]
        if len(losses) == 2:  # the total and its only term
            del series[losses[1]]
        return series

    @functools.cached_property
    def config(self) -> Config | None:
        try:
            return config_of_work_dir(str(self.folder))
        except _DAMAGED:
            return None

    @functools.cached_property
    def config_text(self) -> str:
        """The config as the run has written it; '' if there is none."""
        for path in run_configs(str(self.folder)):
            return Path(path).read_text('utf-8', errors='replace')
        return ''

    @functools.cached_property
    def source(self) -> str | None:
        """The config file that the run was started with, if it is there."""
        for path in run_configs(str(self.folder)):
            try:  # the folder may have been moved
                place = load_config(path).work_dir
                found = find_stage(place, None)
            except _DAMAGED:
                continue
            if found is not None:
                return found
            for about in reversed(self.starts):
                for word in str(about.get('command')).split():
                    if Path(word).name == Path(path).name:
                        with contextlib.suppress(FileNotFoundError):
                            return find_config(word)
        return None

    @functools.cached_property
    def starts(self) -> list[dict]:
        """What environment.json says, of each start, the oldest first."""
        found = []
        for path in sorted(self.folder.glob('*/environment.json')):
            try:
                about = read_json(path)
            except _DAMAGED:
                continue
            if isinstance(about, dict):
                found.append(about)
        return found

    @functools.cached_property
    def metrics(self) -> dict[str, dict]:
        """Results of tests, by the path of the file."""
        found = {}
        for path in sorted([*self.folder.glob('*.json'),
                            *self.folder.glob('*/metrics*.json')]):
            try:
                content = read_json(path)
            except _DAMAGED:
                continue
            if isinstance(content, dict) and 'protocol' in content:
                found[str(path.relative_to(self.folder))] = content
        return found

    @functools.cached_property
    def checkpoints(self) -> list[tuple[str, int, float]]:
        """Name, bytes and time of each, the newest first."""
        found = []
        for path in self.folder.glob('*'):
            if path.suffix in ('.pth', '.safetensors') and path.is_file():
                about = path.stat()
                found.append((path.name, about.st_size, about.st_mtime))
        return sorted(found, key=lambda one: -one[2])

    def grids(self, kind: str = 'samples') -> list[tuple[int, Path]]:
        """Pictures of a kind by iteration."""
        found = [(int(match[1]), path)
                 for path in (self.folder / kind).glob('iter_*.png')
                 if (match := re.fullmatch(r'iter_(\d+)', path.stem))]
        return sorted(found)

    def kinds_of_grids(self) -> list[str]:
        """Folders of pictures, without that of the samples."""
        return sorted({path.parent.name for path in
                       self.folder.glob('*/iter_*.png')} - {'samples'})

    @functools.cached_property
    def _newest(self) -> tuple[list[str], re.Match | None]:
        """The newest log of a training, and its last line of progress.

        Tests write logs there, too, whose lines count otherwise.
        """
        first = []
        for path in sorted(self.folder.glob('*/*.log'), reverse=True):
            try:
                text = read_regular(path, _LARGEST_LOG)
            except _DAMAGED:
                continue
            lines = text.decode('utf-8', errors='replace').splitlines()
            first = first or lines
            for line in reversed(lines):
                if (match := _PROGRESS.search(line)) and not re.search(
                        'validation|test|features|batches', line):
                    return lines, match
        return first, None

    @functools.cached_property
    def progress(self) -> tuple[int, int, str]:
        """Iterations done, of all, and the time that was left."""
        match = self._newest[1]
        if match:
            return int(match[1]), int(match[2]), match[3] or ''
        steps = [points[-1][0] for points in self.series.values()]
        return int(max(steps, default=0)), 0, ''

    def iterations(self) -> str:
        """Iterations done, and of how many, for people."""
        done, total, _ = self.progress
        return f'{done:,} of {total:,}' if total else f'{done:,}'

    @property
    def state(self) -> str:
        """'running', 'finished', 'failed' or 'stopped', for people."""
        done, total, _ = self.progress
        lock = self.folder / LOCK
        try:
            if time.time() - os.stat(lock).st_mtime < SILENCE:
                return 'running'
        except OSError:
            pass
        if total and done >= total:
            return 'finished'
        return 'failed' if self.error else 'stopped'

    @functools.cached_property
    def error(self) -> str:
        """The end of the traceback in the newest log; '' without one."""
        lines = self._newest[0]
        found = [i for i, line in enumerate(lines)
                 if line.startswith('Traceback (most recent call last)')]
        return '\n'.join(lines[found[-1]:][-30:]) if found else ''

    def speed(self) -> str:
        """Iterations and images a second, of the last line with values."""
        rates = self.series.get(RATE)
        if not rates:
            return 'no line with values yet'
        text = f'{rates[-1][1]:.3g} it/s'
        try:
            batch = self.config.train_dataloader.batch_size
        except AttributeError:
            return text
        processes = self.starts[-1].get('processes') if self.starts else 1
        images = rates[-1][1] * batch * (processes or 1)
        return f'{text}, {images:,.0f} images/s'


def is_run(folder: Path) -> bool:
    """Whether a run has left anything in a folder."""
    return bool(run_configs(str(folder))
                or any(folder.glob('*/vis_data/scalars.json'))
                or any(folder.glob('*/environment.json')))


def date(seconds: float) -> str:
    """A time for people."""
    return datetime.datetime.fromtimestamp(seconds).strftime('%Y-%m-%d %H:%M')
