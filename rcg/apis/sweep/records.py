"""The settings that a sweep has scored so far, on disk."""
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from mmengine.runner import Runner

from rcg.apis.json_file import write_json
from rcg.checkpoint import file_sha256, find_checkpoint
from rcg.engine.configs.loading import without_weights
from rcg.engine.frozen_parts import describe_parts
from rcg.engine.unwrapping import bare_model
from rcg.files import read_json
from rcg.precision import float32_precision


def identity(runner: Runner, checkpoint: str,
             wanted: dict[str, Sequence | None]) -> dict[str, str]:
    """Hashes of all that the scores of one table have in common.

    Args:
        runner: The run.
        checkpoint: File or work folder.
        wanted: Values by the name of the setting. Settings of the generator
            may differ in one table, steps of the RDM if there are values.
    """
    cfg = runner.cfg.to_dict()
    for name in wanted:
        cfg['model']['generator'].pop(name, None)
    if wanted.get('rdm_steps'):
        cfg['model']['rdm']['sampler'].pop('num_steps', None)
    content = dict(
        checkpoint=file_sha256(find_checkpoint(checkpoint)),
        parts={name: part['sha256'] for name, part in
               describe_parts(bare_model(runner)).items()},
        **{key: without_weights(cfg[key]) for key in (
            'model', 'test_cfg', 'test_dataloader', 'test_evaluator')},
        float32=float32_precision())
    return {name: hashlib.sha256(json.dumps(
        part, sort_keys=True, default=str).encode()).hexdigest()
        for name, part in content.items()}


def _is_sweep(stored: dict) -> bool:
    rows = stored.get('rows')
    return (isinstance(stored.get('identity'), dict)
            and isinstance(rows, list)
            and all(isinstance(row, dict) and all(
                isinstance(row.get(name), dict)
                for name in ('setting', 'metrics', 'protocol'))
                and all(isinstance(score, (int, float))
                        for score in row['metrics'].values())
                for row in rows))


class Records:
    """Settings, their metrics and protocols, in ``sweep.json`` of a folder.

    Args:
        folder: It is made when there is something to write.
        about: The :func:`identity` of the sweep.

    Attributes:
        path: Of ``sweep.json``.
        rows: A dict of setting, metrics and protocol each, sorted by
            setting.

    Raises:
        ValueError: The folder holds another sweep.
    """

    def __init__(self, folder: Path, about: dict[str, str]) -> None:
        self.path, self.about, self.rows = folder / 'sweep.json', about, []
        if self.path.is_file():
            stored = read_json(self.path)
            if not _is_sweep(stored):
                raise ValueError(f"'{self.path}' is damaged, or holds no "
                                 'sweep: give another --out.')
            other = [name for name, value in about.items()
                     if stored['identity'].get(name) != value]
            if other:
                raise ValueError(
                    f"'{self.path}' holds a sweep with another "
                    f'{" and ".join(other)}: give another --out.')
            self.rows = stored['rows']

    def __contains__(self, setting: dict) -> bool:
        return any(row['setting'] == setting for row in self.rows)

    def add(self, row: dict) -> None:
        self.rows.append(row)
        self.rows.sort(key=lambda row: list(row['setting'].values()))

    def write(self) -> None:
        write_json(dict(identity=self.about, rows=self.rows), self.path)
