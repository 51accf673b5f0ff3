"""The weights of a case, converted; comparisons by published names."""
from torch import Tensor, nn

from rcg.converters.formats import FORMATS, recognize
from rcg.converters.parts import join, same_bits, split
from rcg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from rcg.verification.parity.case import Case


class Weights:
    """The weights of a case under our names.

    The case is told the fate of each tensor. All must be restored to the bit
    when they are converted back.

    Args:
        case: The case.
        averaged: Whether to take the averaged weights of an RDM.

    Attributes:
        format: Format of the file that the weights are of.
        parts: What they were split into.
        names: Published name of each tensor that is used: our name.
    """

    def __init__(self, case: Case, averaged: bool = True) -> None:
        self.format = recognize(case.weights)
        self.parts = split(self.format, case.weights, averaged)
        self.names: dict[str, str] = {}
        self._check_way_back(case)
        self._note_fates(case)

    def __getitem__(self, format: str) -> dict[str, Tensor]:
        """The state dict of one part, by its format.

        Raises:
            ValueError: The file holds no such part.
        """
        for part in self.parts:
            if part.format == format:
                return part.weights
        raise ValueError(f'the weights hold no part of the format {format}, '
                         f'only {[part.format for part in self.parts]}.')

    def _check_way_back(self, case: Case) -> None:
        back = join(self.parts)
        case.check('weights, there and back',
                   back.keys() == case.weights.keys() and all(
                       same_bits(back[name], tensor)
                       for name, tensor in case.weights.items()))

    def _note_fates(self, case: Case) -> None:
        # Converters rename: what is at the same address is the same tensor.
        ours = {tensor.data_ptr(): name for part in self.parts
                for name, tensor in part.weights.items()}
        reasons = self._reasons()
        for name, tensor in case.weights.items():
            if tensor.data_ptr() in ours:
                self.names[name] = ours[tensor.data_ptr()]
                case.fates[name] = 'used'
            elif name in reasons:
                # A case may convert twice, averaged and live: 'used' stays.
                case.fates.setdefault(name, reasons[name])

    def _reasons(self) -> dict[str, str]:
        """Why tensors are not used, by their names in the case."""
        inside = {format: (start, prefix) for start, (format, prefix)
                  in FORMATS[self.format].embedded.items()}
        reasons = {}
        for part in self.parts:
            start, prefix = inside.get(part.format, ('', ''))
            reasons |= {start + name.removeprefix(prefix): reason
                        for name, reason in part.ignored.items()}
        return reasons


def compare_gradients(case: Case, stem: str, module: nn.Module,
                      names: dict[str, str]) -> None:
    """Compare norms of gradients, and which parameters have none.

    Args:
        case: Nothing is done unless it stores ``<stem>.grad_norm``.
        stem: Name of the run.
        module: Our module, after the backward pass.
        names: Published name of each of its parameters: our name.
    """
    if f'{stem}.grad_norm' not in case:
        return
    ours = {name: p.grad.double().norm()
            for name, p in module.named_parameters() if p.grad is not None}
    listed = case.config[f'{stem}.grad_norm_names']
    case.check(f'{stem}.grad_norm_names',
               sorted(names.get(n, n) for n in listed) == sorted(ours))
    without = case.config.get(f'{stem}.grad_none_names', [])
    case.check(f'{stem}.grad_none_names',
               not {names.get(n, n) for n in without} & set(ours))
    norms = case.data[f'{stem}.grad_norm']
    missing = norms.new_tensor(float('nan'))
    case.compare(f'{stem}.grad_norm', norms.new_tensor(
        [ours.get(names.get(name, name), missing) for name in listed]))


def compare_decay(case: Case, module: nn.Module,
                  names: dict[str, str]) -> None:
    """Compare which parameters decay.

    Args:
        case: It lists them as ``weight_decay`` and ``no_weight_decay``.
        module: Our module.
        names: Published name of each of its parameters: our name.
    """
    groups = OPTIM_WRAPPER_CONSTRUCTORS.build(dict(
        type='TwoGroupConstructor', optim_wrapper_cfg=dict(
            optimizer=dict(type='AdamW')))).groups(module, 1.)
    for key, decay in (('no_weight_decay', 0.), ('weight_decay', 1.)):
        members = {id(p) for group in groups for p in group['params']
                   if group['weight_decay'] == decay}
        ours = {name for name, p in module.named_parameters()
                if id(p) in members}
        if key in case.config:
            case.check(key, ours == {
                names[name] for name in case.config[key] if name in names})
