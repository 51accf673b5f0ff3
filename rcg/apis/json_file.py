"""Results in JSON files."""
import json
from pathlib import Path

from rcg.checkpoint import open_atomically


def write_json(content: dict | list, path: str | Path) -> None:
    """Write a whole file or, if that fails, none; make its folder."""
    Path(path).resolve().parent.mkdir(parents=True, exist_ok=True)
    with open_atomically(str(path)) as file:
        file.write((json.dumps(content, indent=1) + '\n').encode())
