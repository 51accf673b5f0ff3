"""Stored results of the published RCG code, and how close is close enough."""
import gzip
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

_HERE = Path(__file__).resolve()
# A representative part of the pack is in the repository; the whole may lie
# beside it.
ROOTS = (_HERE.parent / 'data' / 'reference',
         _HERE.parents[2] / 'shared' / 'reference' / 'cases')


def find_cases(prefix: str) -> list[str]:
    """Names of the stored cases that start with ``prefix``."""
    found = {path.parent.name for root in ROOTS
             for path in root.glob(f'{prefix}*/config.json')}
    return sorted(found)


def load_manifest(name: str) -> dict:
    """What a full-size published file holds, with no file at hand.

    Args:
        name: Such as 'mage_b_rep'; see ``tests/data/manifests``.

    Returns:
        The state dict, ``{tensor: [shape, dtype]}``, is under the key that
        it has in the published file ('model', 'state_dict' or 'teacher'). A
        variant that is stored as a difference comes with all its tensors.
    """
    path = _HERE.parent / 'data' / 'manifests' / f'{name}.json.gz'
    manifest = json.loads(gzip.decompress(path.read_bytes()))
    difference = manifest.get('differs_from_rep_variant_by')
    if difference:
        model = load_manifest(name.rpartition('_')[0] + '_rep')['model']
        manifest['model'] = {
            key: entry for key, entry in model.items()
            if key not in difference['removed']} | difference['added']
    return manifest


class Case(dict):
    """The tensors of one case by name.

    Attributes:
        config: Sizes, flags and notes of the case.
        weights: Under the names of the official checkpoint.
    """

    def __init__(self, name: str) -> None:
        folder = next(r / name for r in ROOTS if (r / name).is_dir())
        super().__init__(load_file(folder / 'data.safetensors'))
        self.config = json.loads((folder / 'config.json').read_text())
        path = folder / 'weights.safetensors'
        self.weights = load_file(path) if path.exists() else {}

    def tolerance(self, name: str) -> float:
        """1e-5 of the largest value, plus 50 times the noise floor."""
        floor = self.config.get('noise_floor', {}).get(name, 0.)
        return 1e-5 * self[name].abs().max().item() + 50 * floor


def load_case(name: str) -> tuple[dict, dict[str, Tensor], Case]:
    """Read a case from ``tests/data/reference/<name>/``.

    Returns:
        (config, weights, data): ``data`` is what :func:`assert_close` wants.
    """
    case = Case(name)
    return case.config, case.weights, case


def assert_close(name: str, ours: Tensor, case: Case) -> None:
    """Compare with tensor ``name`` of a case; integers must be equal."""
    theirs, ours = case[name], ours.detach().cpu()
    assert ours.shape == theirs.shape, (
        f'{name}: {tuple(ours.shape)}, not {tuple(theirs.shape)}')
    if not theirs.is_floating_point():
        wrong = int((ours != theirs).sum())
        assert wrong == 0, f'{name}: {wrong} of {theirs.numel()} differ'
        return
    worst = (ours.double() - theirs.double()).abs().max().item()
    bound = case.tolerance(name)
    assert worst <= bound, f'{name}: off by {worst:.3g}, allowed {bound:.3g}'


def grad_norms(module: torch.nn.Module) -> dict[str, float]:
    """Norm of each gradient by parameter name, float64."""
    return {
        name: parameter.grad.double().norm().item()
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }


class ReplayRng:
    """Stands in for SampleRng: hands out stored draws in order.

    Args:
        batch_size: Number of streams.
        draws: Each ``normal``, ``uniform``, ``randint``, ``gumbel`` or
            ``categorical`` takes the next tensor under its own name.
    """
    device = torch.device('cpu')

    def __init__(self, batch_size: int, **draws) -> None:
        self.batch_size = batch_size
        self.draws = {kind: iter(list(some)) for kind, some in draws.items()}

    def __len__(self) -> int:
        return self.batch_size

    def _next(self, kind: str, shape: tuple[int, ...]) -> Tensor:
        drawn = next(self.draws[kind])
        assert drawn.shape == (self.batch_size, *shape), (kind, drawn.shape)
        return drawn

    def normal(self, *shape: int) -> Tensor:
        return self._next('normal', shape)

    def uniform(self, *shape: int) -> Tensor:
        return self._next('uniform', shape)

    def gumbel(self, *shape: int) -> Tensor:
        return self._next('gumbel', shape)

    def randint(self, high: int, *shape: int) -> Tensor:
        return self._next('randint', shape)

    def categorical(self, logits: Tensor) -> Tensor:
        return self._next('categorical', logits.shape[1:-1])
