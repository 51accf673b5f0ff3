"""States of a run in plain types, for checkpoints."""
import torch
from mmengine.logging import HistoryBuffer
from mmengine.utils import apply_to


def scheduler_states(schedulers):
    """States of a list of schedulers, or of a dict of such lists."""
    if isinstance(schedulers, dict):
        return {k: scheduler_states(v) for k, v in schedulers.items()}
    # OneCycleLR has a method in its state.
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
    return apply_to(value, torch.is_tensor, lambda t: t.detach().cpu())


def with_histories(value):
    """Restore log histories that :func:`rcg.checkpoint.to_plain` replaced."""
    if not isinstance(value, dict):
        return value
    if '__history__' in value:
        return HistoryBuffer(value['values'].numpy(),
                             value['counts'].numpy(), value['max_length'])
    return {k: with_histories(v) for k, v in value.items()}
