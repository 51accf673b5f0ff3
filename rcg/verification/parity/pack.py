"""A whole reference pack: its cases, and the module that checks each."""
import dataclasses
import fnmatch
import json
import math
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from rcg.engine.devices import usable_device
from rcg.precision import set_float32
from rcg.verification.parity import (
    adm,
    dit,
    encoders,
    ldm,
    mage,
    preprocessing,
    rdm,
    schedules,
    tokenizers,
)
from rcg.verification.parity.case import Case, Row

# Prefix of a case's name: what checks it.
FAMILIES: dict[str, Callable[[Case], None]] = {
    'enc_': encoders.verify,
    'rdm_': rdm.verify,
    'mage_': mage.verify,
    'adm_': adm.verify,
    'ldm_': ldm.verify,
    'dit_': dit.verify,
    'vqgan_maskgit': tokenizers.verify_vqgan,
    'vq_f8': tokenizers.verify_vq_f8,
    'schedules': schedules.verify,
    'preprocessing': preprocessing.verify,
}


@dataclasses.dataclass
class Outcome:
    """What became of a case.

    Attributes:
        case: Its name.
        status: 'passed', 'failed' or 'skipped'.
        reasons: Why, if it did not pass.
        tensors: The comparisons.
        inputs: Names of the tensors that were fed in.
        weights: What became of each tensor of the weights.
        seconds: How long it took.
    """
    case: str
    status: str
    reasons: list[str]
    tensors: list[Row] = dataclasses.field(default_factory=list)
    inputs: list[str] = dataclasses.field(default_factory=list)
    weights: dict[str, str] = dataclasses.field(default_factory=dict)
    seconds: float = 0.

    def as_dict(self) -> dict:
        """For JSON, which knows neither infinity nor NaN: None."""
        rows = [{key: None if isinstance(value, float)
                 and not math.isfinite(value) else value
                 for key, value in row._asdict().items()}
                for row in self.tensors]
        return {**vars(self), 'tensors': rows}

    def lines(self) -> Iterator[str]:
        """One line for each tensor, one for the case, one for each reason."""
        for row in self.tensors:
            yield (f'{self.case:<20} {row.tensor:<50} '
                   f'abs {row.max_abs:8.2e}  rel {row.max_rel:8.2e}  '
                   f'allowed {row.tolerance:<16} '
                   f'{"pass" if row.passed else "FAIL"}')
        counts = ''
        if self.status != 'skipped':
            used = sum(fate == 'used' for fate in self.weights.values())
            counts = (f'{len(self.tensors)} compared, {len(self.inputs)} '
                      f'inputs; weights: {used} used, '
                      f'{len(self.weights) - used} ignored; '
                      f'{self.seconds} s')
        yield f'== {self.case}: {self.status.upper()} {counts}'
        yield from (f'   {reason}' for reason in self.reasons)


def verify_pack(pack: str, *, only: Sequence[str] = ('*', ),
                skip: Sequence[str] = (), device: str = 'cpu',
                out: str | None = None) -> list[Outcome]:
    """Run the cases of a pack; print how far each tensor is off.

    Args:
        pack: A folder with cases/<case>/, or that folder ``cases``.
        only: Run the cases whose names match one of these globs,
        skip: but not those that match one of these.
        device: cpu, cuda, ... It becomes PyTorch's default device, and
            products are exact on it.
        out: JSON file for the result.

    Raises:
        ValueError: There is no case to run; the device cannot be used.
    """
    if device != 'cpu':
        torch.set_default_device(usable_device(device))
        set_float32('highest')
    outcomes = []
    for folder in find_cases(pack):
        if not _matches(folder.name, only):
            outcome = Outcome(folder.name, 'skipped', ['not in --only'])
        elif _matches(folder.name, skip):
            outcome = Outcome(folder.name, 'skipped', ['--skip'])
        else:
            outcome = verify(folder)
        print('\n'.join(outcome.lines()), flush=True)
        outcomes.append(outcome)
    passed = all(outcome.status != 'failed' for outcome in outcomes)
    if out:
        with open(out, 'w', encoding='utf-8') as file:
            json.dump(dict(pack=pack, passed=passed,
                           cases=[o.as_dict() for o in outcomes]),
                      file, indent=1)
    if all(outcome.status == 'skipped' for outcome in outcomes):
        raise ValueError('no case was run; --only and --skip leave none.')
    return outcomes


def _matches(name: str, globs: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def find_cases(pack: str | Path) -> list[Path]:
    """The folders of the cases in a pack, or in its folder ``cases``.

    Raises:
        ValueError: There is none.
    """
    pack = Path(pack)
    found = sorted(path.parent for path in [
        *pack.glob('cases/*/config.json'), *pack.glob('*/config.json')])
    if not found:
        raise ValueError(
            f"'{pack}' holds no reference pack: there is neither "
            'cases/<case>/config.json nor <case>/config.json in it.')
    return found


def verify(folder: Path) -> Outcome:
    """Run one case."""
    family = next((check for prefix, check in FAMILIES.items()
                   if folder.name.startswith(prefix)), None)
    if family is None:
        return Outcome(folder.name, 'failed', [
            f'nothing checks such a case; known: {", ".join(FAMILIES)}'])
    start, case, reasons = time.monotonic(), None, []
    try:
        case = Case(folder)
        family(case)
        reasons = case.faults()
    except Exception as error:  # the crash of a case is a result, too
        place = traceback.extract_tb(error.__traceback__)[-1]
        reasons = [f'{type(error).__name__}: {error} '
                   f'({Path(place.filename).name}:{place.lineno})']
    rows = case.rows if case else []
    reasons += [f"'{row.tensor}' is out of tolerance" for row in rows
                if not row.passed]
    return Outcome(
        folder.name, 'failed' if reasons else 'passed', reasons, rows,
        sorted(case.inputs) if case else [], case.fates if case else {},
        round(time.monotonic() - start, 2))
