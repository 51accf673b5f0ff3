"""Which validations of a run are done, in its checkpoints and beside them."""
import json
import os

import numpy as np
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.runner import EpochBasedTrainLoop
from mmengine.visualization import TensorboardVisBackend

from rcg.checkpoint import open_atomically
from rcg.files import read_json

FILE = 'validations.json'


def is_due(runner) -> bool:
    """Whether the run validates at the iteration where it is."""
    loop = runner.train_loop
    if runner.val_loop is None:
        return False
    if hasattr(loop, 'dynamic_milestones'):  # of MMEngine's loops
        loop._decide_current_val_interval()
    at, last = loop.iter, loop.max_iters
    if isinstance(loop, EpochBasedTrainLoop):
        if loop.iter != loop.epoch * len(loop.dataloader):
            return False  # in the middle of an epoch
        at, last = loop.epoch, loop.max_epochs
    return at >= loop.val_begin and (at % loop.val_interval == 0
                                     or at == last)


def numbers(metrics: dict | None) -> dict[str, float]:
    """The numbers among metrics, as Python has them."""
    found = {}
    for name, value in (metrics or {}).items():
        if hasattr(value, 'item') and np.size(value) == 1:
            value = value.item()
        if isinstance(value, (int, float)):
            found[name] = value
    return found


def is_plain(value) -> bool:
    """Whether JSON gives a value back as it was."""
    try:
        return json.loads(json.dumps(value)) == value
    except (TypeError, ValueError):
        return False


def read_validations(folder: str, last: int, warn) -> list[dict]:
    """Read what :func:`write_validations` wrote, on all processes alike.

    Args:
        last: Later iterations are left out: the run will repeat them.
        warn: Is called with a sentence if the file is damaged.
    """
    found = [None]
    if is_main_process():
        path = os.path.join(folder, FILE)
        try:
            found = [[one for one in map(_checked, read_json(path, list))
                      if one['iter'] <= last]]
        except FileNotFoundError:
            found = [[]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            found = [[]]
            warn('the validation of this iteration is done again, because '
                 f"'{path}' cannot be used: {error}")
    broadcast_object_list(found)
    return found[0]


def _checked(record: dict) -> dict:
    if not (isinstance(record['iter'], int)
            and isinstance(record['metrics'], dict)
            and isinstance(record.get('info', {}), dict)):
        raise ValueError('an entry does not describe a validation')
    return record


def write_validations(folder: str, records: list[dict]) -> None:
    """Write the validations of a run, on the first process.

    Args:
        records: Dicts of ``iter``, ``metrics`` and, if it is known, ``info``:
            what hooks put into the message hub meanwhile, such as the best
            value.
    """
    if not is_main_process():
        return
    lines = ',\n'.join(json.dumps(record) for record in records)
    with open_atomically(os.path.join(folder, FILE)) as file:
        file.write(f'[{lines}]\n'.encode())


def flush_curves(visualizer) -> None:
    """Write what TensorBoard's writer holds back, for minutes otherwise."""
    for backend in visualizer._vis_backends.values():
        if isinstance(backend, TensorboardVisBackend):
            backend.experiment.flush()
