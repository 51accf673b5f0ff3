"""What a sweep has scored so far, on disk."""
import hashlib
import json
from pathlib import Path

from rcg.checkpoint import file_sha256, find_checkpoint, open_atomically
from rcg.engine.config import without_weights
from rcg.engine.frozen_parts import describe_parts
from rcg.engine.unwrapping import bare_model


def identity(runner, checkpoint: str, swept: list[str]) -> dict[str, str]:
    """Hashes of all that must be equal for scores to share a table."""
    cfg = runner.cfg.to_dict()
    for name in swept:
        cfg['model']['generator'].pop(name, None)
    content = dict(
        checkpoint=file_sha256(find_checkpoint(checkpoint)),
        parts={name: part['sha256'] for name, part in
               describe_parts(bare_model(runner)).items()},
        **{key: without_weights(cfg[key]) for key in (
            'model', 'test_dataloader', 'test_evaluator')})
    return {name: hashlib.sha256(json.dumps(
        part, sort_keys=True, default=str).encode()).hexdigest()
        for name, part in content.items()}


class Records:
    """Settings, their metrics and protocols, in ``sweep.json`` of a folder.

    Args:
        folder: Where; made when there is something to write.
        about: The sweep's :func:`identity`.

    Raises:
        ValueError: The folder holds another sweep.
    """

    def __init__(self, folder: Path, about: dict[str, str]) -> None:
        self.path, self.about, self.rows = folder / 'sweep.json', about, []
        if self.path.is_file():
            stored = json.loads(self.path.read_text())
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
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(str(self.path)) as file:
            text = json.dumps(dict(identity=self.about, rows=self.rows),
                              indent=1)
            file.write((text + '\n').encode())
