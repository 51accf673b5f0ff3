"""All that a run leaves behind, and how two runs differ."""
import json
from pathlib import Path

import torch

# Of a checkpoint's meta: when and where it was written. The name of an
# experiment contains its time.
_PLACES = ('time', 'cfg', 'run')
_NAMES = ('experiment_name', )
# Measured times, in logs and message hubs.
_TIMES = ('time', 'data_time', 'memory', 'iterations_per_second')


def snapshot(work_dir: Path) -> dict[str, object]:
    """Values by name: the files, what is in them, the curves.

    Logs, and what depends on the clock, are left out.
    """
    found = {'files': sorted(
        str(path.relative_to(work_dir)) for path in work_dir.rglob('*')
        if path.is_file() and not _is_log(path.relative_to(work_dir)))}
    for path in sorted(work_dir.glob('*.pth')):
        content = torch.load(path, weights_only=True)
        for key in _PLACES:
            content['meta'].pop(key, None)
        found |= _flat(path.name, content)
    for path in sorted(work_dir.rglob('*.png')):
        relative = path.relative_to(work_dir)
        if _is_log(relative):  # without the folder of one start
            relative = Path(*relative.parts[1:])
        found[str(relative)] = path.read_bytes()
    if (path := work_dir / 'last_checkpoint').exists():
        found['last_checkpoint'] = path.read_text()
    for path in sorted(work_dir.glob('metrics*.json')):
        content = json.loads(path.read_text())
        content.get('protocol', {}).pop('run', None)
        found |= _flat(path.name, content)
    return found | curves(work_dir)


def curves(work_dir: Path) -> dict[str, object]:
    """Logged values by name and step; of repeated steps the last."""
    found = {}
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            step = entry.get('step', entry.get('iter'))
            found |= {f'curve {key} {step}': value
                      for key, value in entry.items() if not _is_time(key)}
    return found


def differences(wanted: dict, found: dict) -> list[str]:
    """Names of the values that differ, or that one of the two lacks."""
    return [name for name in sorted({*wanted, *found})
            if name not in wanted or name not in found
            or not _equal(wanted[name], found[name])]


def _equal(one, other) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return type(one) is type(other) and one == other


def _flat(name: str, value) -> dict[str, object]:
    if isinstance(value, dict) and value:
        items = value.items()
    elif isinstance(value, (list, tuple)) and value:
        items = enumerate(value)
    else:
        return {name: value}
    found = {}
    for key, item in items:
        if not (_is_time(str(key)) or key in _NAMES):
            found |= _flat(f'{name}/{key}', item)
    return found


def _is_time(key: str) -> bool:
    return key.rpartition('/')[2] in _TIMES


def _is_log(path: Path) -> bool:
    """Whether a run writes this for each of its starts."""
    return (path.parts[0][:8].isdigit()  # the folder of one start
            or path.suffix in ('.log', '.lock'))
