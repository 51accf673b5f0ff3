"""A case of a reference pack: its tensors, and what became of them."""
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from rcg.checkpoint import utf8_path
from rcg.files import read_json
from rcg.verification.parity.rules import Verdict, judge


def here(module: nn.Module) -> nn.Module:
    """Move a module to PyTorch's default device, where a case's tensors are.

    Some tables of a module are made on the CPU in any case.
    """
    return module.to(torch.get_default_device())


class Row(NamedTuple):
    """The comparison of one tensor."""
    tensor: str
    max_abs: float
    max_rel: float
    tolerance: str
    passed: bool


class Case:
    """The tensors of a case, by name; notes which are used and compared.

    ``case[name]`` takes an input, :meth:`compare` judges a result. A check is
    faulty if it leaves out a tensor of the data, or a tensor of the weights.
    All tensors are on PyTorch's default device.

    Args:
        folder: It holds ``config.json``, ``data.safetensors`` and, if the
            case has weights, ``weights.safetensors``.

    Raises:
        ValueError: The files are not those that ``config.json`` lists.

    Attributes:
        config: Sizes, flags and notes.
        weights: By the names of the official checkpoint.
        rows: The comparisons.
        inputs: Names of the tensors that were fed in.
        fates: What became of each tensor of the weights: 'used', or why it
            is not.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.name = self.folder.name
        self.config = read_json(self.folder / 'config.json')
        device = str(torch.get_default_device())
        with utf8_path(self.folder) as place:
            self.data = load_file(f'{place}/data.safetensors', device)
            weights = Path(place, 'weights.safetensors')
            self.weights = (load_file(weights, device) if weights.exists()
                            else {})
        self.rows: list[Row] = []
        self.inputs: set[str] = set()
        self.fates: dict[str, str] = {}
        self._check_contents()

    def _check_contents(self) -> None:
        listed = self.config.get('tensors', {})
        for name, (shape, dtype) in listed.items():
            found = self.data.get(name)
            got = None if found is None else [
                list(found.shape), str(found.dtype).removeprefix('torch.')]
            if got != [shape, dtype]:
                raise ValueError(f"'{name}' should be {shape} {dtype}, got "
                                 f'{got}: data.safetensors is not that of '
                                 'config.json.')
        count = self.config.get('weights', len(self.weights))
        if count != len(self.weights):
            raise ValueError(f'weights.safetensors should hold {count} '
                             f'tensors, got {len(self.weights)}.')

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def __getitem__(self, name: str) -> Tensor:
        """An input, or stored random numbers."""
        self.inputs.add(name)
        return self.data[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor. It does not count as used by this."""
        return tuple(self.data[name].shape)

    def find(self, pattern: str) -> Iterator[re.Match]:
        """Matches of a regular expression with whole names of tensors."""
        found = (re.fullmatch(pattern, name) for name in sorted(self.data))
        return filter(None, found)

    def compare(self, name: str, ours: Tensor, floor: float = 0.) -> Row:
        """Judge our result by a stored tensor.

        Args:
            name: Of the stored tensor.
            ours: Our result.
            floor: Noise floor; see :func:`judge`. That of the case counts if
                it is larger.
        """
        floor = max(floor, self.config.get('noise_floor', {}).get(name, 0.))
        return self.add(name, judge(name, ours, self.data[name], floor))

    def compare_if_stored(self, name: str, ours: Tensor) -> None:
        if name in self:
            self.compare(name, ours)

    def check(self, what: str, right: bool) -> Row:
        """Note whether a fact of config.json, such as a list, is met."""
        return self.add(what, Verdict(0., 0., 'equal', bool(right)))

    def add(self, name: str, verdict: Verdict) -> Row:
        """Note a comparison."""
        self.rows.append(Row(name, *verdict))
        return self.rows[-1]

    def faults(self) -> list[str]:
        """Tensors that were neither used nor compared."""
        seen = self.inputs | {row.tensor for row in self.rows}
        return ([f"'{name}' was neither compared nor used as an input"
                 for name in sorted(self.data) if name not in seen]
                + [f"no converter was asked about the weights '{name}'"
                   for name in sorted(self.weights) if name not in self.fates])
