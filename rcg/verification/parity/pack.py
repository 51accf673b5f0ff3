"""A whole reference pack: which module checks which case."""
import dataclasses
import math
import time
import traceback
from collections.abc import Callable
from pathlib import Path

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

# Beginning of a case's name: what checks it.
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
    """What became of a case: 'passed', 'failed' or 'skipped'."""
    case: str
    status: str
    reasons: list[str]
    tensors: list[Row] = dataclasses.field(default_factory=list)
    inputs: list[str] = dataclasses.field(default_factory=list)
    weights: dict[str, str] = dataclasses.field(default_factory=dict)
    seconds: float = 0.

    def as_dict(self) -> dict:
        """For JSON, which has no infinite numbers: None."""
        rows = [{key: None if value in (math.inf, -math.inf) or value != value
                 else value for key, value in row._asdict().items()}
                for row in self.tensors]
        return {**vars(self), 'tensors': rows}


def find_cases(pack: str | Path) -> list[Path]:
    """The folders of cases in a pack, or in its folder ``cases``.

    Raises:
        ValueError: There are none.
    """
    pack = Path(pack)
    found = sorted(path.parent for path in [
        *pack.glob('cases/*/config.json'), *pack.glob('*/config.json')])
    if not found:
        raise ValueError(
            f"'{pack}' holds no reference pack: there is neither "
            'cases/<case>/config.json nor <case>/config.json in it.')
    return found


def _by_prefix(table: dict, name: str):
    return next((value for prefix, value in table.items()
                 if name.startswith(prefix)), None)


def verify(folder: Path) -> Outcome:
    """Run one case."""
    family = _by_prefix(FAMILIES, folder.name)
    if family is None:
        return Outcome(folder.name, 'failed', [
            f'nothing checks such a case; known: {", ".join(FAMILIES)}'])
    start, case, reasons = time.monotonic(), None, []
    try:
        case = Case(folder)
        family(case)
        reasons = case.faults()
    except Exception as error:  # a crash of one case is a result, too
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
