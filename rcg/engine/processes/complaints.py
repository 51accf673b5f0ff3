"""Errors of several processes, told once by their launcher.

The launcher names a folder in the environment, under Slurm one that all
machines share. A process that fails leaves its error there. When all have
ended, the launcher prints each different error once, the one that came first
as the last.
"""
import json
import os
import sys
import time
from pathlib import Path

FOLDER = 'RCG_ERRORS'


def complain(text: str, same: str | None = None, trace: str = '') -> None:
    """Print an error of this process, or leave it to the launcher.

    Args:
        text: What to print.
        same: What it has in common with the error of another process; by
            default the text.
        trace: The traceback, which comes first.
    """
    folder = os.environ.get(FOLDER)
    # Slurm's name counts as long as the processes have not met.
    rank = os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0'))
    if folder and os.path.isdir(folder):
        record = dict(text=text, trace=trace, same=same or text,
                      time=time.time())
        part = Path(folder, f'{int(rank)}.part')
        part.write_text(json.dumps(record), encoding='utf-8')
        part.rename(part.with_suffix('.json'))  # the launcher may kill us
        return
    mark = '' if rank == '0' else f' (process {rank})'
    print(f'{trace}\nerror{mark}: {text}', file=sys.stderr, flush=True)


def told_once(folder: str) -> tuple[str, set[int]]:
    """The errors that processes have left.

    Returns:
        Paragraphs, that of the first error last; and the ranks that they are
        of.
    """
    records = {}
    for file in Path(folder).glob('*.json'):
        records[int(file.stem)] = json.loads(file.read_text('utf-8'))
    groups: dict[str, list[int]] = {}
    for rank in sorted(records):
        groups.setdefault(records[rank]['same'], []).append(rank)
    ordered = sorted(groups.values(), reverse=True, key=lambda ranks: min(
        records[rank]['time'] for rank in ranks))
    firsts = [(ranks, records[ranks[0]]) for ranks in ordered]
    return '\n\n'.join(
        f'{one["trace"]}error{_mark(ranks, len(records))}: {one["text"]}'
        for ranks, one in firsts), set(records)


def _mark(ranks: list[int], count: int) -> str:
    if len(ranks) == count:
        return f' (of all {count} processes)' if count > 1 else ''
    if len(ranks) == 1:
        return f' (process {ranks[0]})'
    return f' (processes {", ".join(map(str, ranks))})'
