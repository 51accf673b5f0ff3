"""Stored results of the published RCG code, and how close is close enough."""
import gzip
import json
from pathlib import Path

from torch import Tensor

from rcg.verification.parity.case import Case as StoredCase
from rcg.verification.parity.pack import verify
from rcg.verification.parity.rules import judge

DATA = Path(__file__).resolve().parent / 'data'
CASES = DATA / 'reference'


def find_cases(prefix: str) -> list[str]:
    """Names of the stored cases that start with ``prefix``."""
    return sorted(path.parent.name
                  for path in CASES.glob(f'{prefix}*/config.json'))


def load_manifest(name: str) -> dict:
    """What a full-size published file holds, with no file at hand.

    Args:
        name: Such as 'mage_b_rep'; see ``tests/data/manifests``.

    Returns:
        The state dict, ``{tensor: [shape, dtype]}``, is under the key that
        it has in the published file ('model', 'state_dict' or 'teacher'). A
        variant that is stored as a difference, or averages that are stored
        as a rule, come with all tensors.
    """
    path = DATA / 'manifests' / f'{name}.json.gz'
    manifest = json.loads(gzip.decompress(path.read_bytes()))
    difference = manifest.get('differs_from_rep_variant_by')
    if difference:
        model = load_manifest(name.rpartition('_')[0] + '_rep')['model']
        manifest['model'] = {
            key: entry for key, entry in model.items()
            if key not in difference['removed']} | difference['added']
    if 'model_ema_rule' in manifest:
        live = {key.removeprefix('model.'): entry for key, entry
                in manifest['model'].items() if key.startswith('model.')}
        manifest['model'] |= {
            'model_ema.' + key.replace('.', ''): entry
            for key, entry in live.items()
        } | {'model_ema.decay': [[], 'f32'],
             'model_ema.num_updates': [[], 'i32']}
    return manifest


class Case(dict):
    """The tensors of one case by name.

    Attributes:
        config: Sizes, flags and notes of the case.
        weights: Under the names of the official checkpoint.
    """

    def __init__(self, name: str) -> None:
        stored = StoredCase(CASES / name)
        super().__init__(stored.data)
        self.config, self.weights = stored.config, stored.weights

    def floor(self, name: str) -> float:
        """What weight noise of 1e-7 does to a tensor."""
        return self.config.get('noise_floor', {}).get(name, 0.)


def load_case(name: str) -> tuple[dict, dict[str, Tensor], Case]:
    """Read a case from ``tests/data/reference/<name>/``.

    Returns:
        (config, weights, data): ``data`` is what :func:`assert_close` wants.
    """
    case = Case(name)
    return case.config, case.weights, case


def assert_close(name: str, ours: Tensor, case: Case) -> None:
    """Compare with tensor ``name`` of a case, by the rules of the pack."""
    verdict = judge(name, ours, case[name], case.floor(name))
    assert verdict.passed, f'{name}: {verdict}'


def assert_reproduced(name: str) -> None:
    """Run all of a stored case, as tools/verify_reference.py does."""
    outcome = verify(CASES / name)
    assert outcome.status == 'passed', '\n'.join(outcome.reasons)
