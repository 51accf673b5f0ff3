"""States of the engine's parts as tensors and built-in types, and back."""
import torch
from mmengine.logging import HistoryBuffer


def scheduler_states(schedulers):
    """States of a list of schedulers, or of a dict of such lists."""
    if isinstance(schedulers, dict):
        return {k: scheduler_states(v) for k, v in schedulers.items()}
    # OneCycleLR keeps a method in its state.
    return [{k: v for k, v in s.state_dict().items() if not callable(v)}
            for s in schedulers]


def load_schedulers(schedulers, states) -> None:
    """Give schedulers the states that :func:`scheduler_states` returned."""
    if isinstance(schedulers, dict):
        for name, members in schedulers.items():
            load_schedulers(members, states[name])
    else:
        for scheduler, state in zip(schedulers, states, strict=True):
            scheduler.load_state_dict(state)


def on_cpu(value):
    """Copy tensors in nested containers to the CPU, off the graph."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, dict):
        return {k: on_cpu(v) for k, v in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(on_cpu, value))
    return value


def with_histories(value):
    """Undo what :func:`rcg.checkpoint.to_plain` did to log histories."""
    if isinstance(value, dict) and '__history__' in value:
        return HistoryBuffer(value['values'].numpy(),
                             value['counts'].numpy(), value['max_length'])
    if isinstance(value, dict):
        return {k: with_histories(v) for k, v in value.items()}
    return value
