"""States of histories and schedulers, as plain types and back."""
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim import LinearLR, OneCycleLR

from rcg.checkpoint import to_plain
from rcg.engine.states import (
    load_schedulers,
    on_cpu,
    scheduler_states,
    with_histories,
)


def test_histories_come_back():
    history = HistoryBuffer([1., 3.], [1, 1])
    back = with_histories(to_plain({'a': {'b': history}}))['a']['b']
    assert isinstance(back, HistoryBuffer)
    back.update(5.)
    assert back.mean(3) == 3.


def test_scheduler_states_are_plain_and_load(tmp_path):
    def make():
        optimizer = torch.optim.SGD([torch.ones(1)], lr=1.)
        return [LinearLR(optimizer, end=4, by_epoch=False),
                OneCycleLR(optimizer, .1, total_steps=9, by_epoch=False)]

    first, second = make(), make()
    for _ in range(3):
        first[0].optimizer.step()  # or the schedulers warn
        for scheduler in first:
            scheduler.step()
    torch.save(scheduler_states({'x': first}), tmp_path / 'a.pth')
    saved = torch.load(tmp_path / 'a.pth', weights_only=True)
    load_schedulers({'x': second}, saved)
    assert [s.last_step for s in second] == [3, 3]


def test_on_cpu_detaches():
    weight = torch.nn.Parameter(torch.ones(2))
    moved = on_cpu({'a': [weight * 2], 'b': (3, 'x')})
    assert moved['b'] == (3, 'x')
    assert not moved['a'][0].requires_grad
