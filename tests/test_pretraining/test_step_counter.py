"""The count survives both loaders and is read from the buffer once."""
import torch
from mmengine.runner.checkpoint import load_state_dict

from rcg.pretraining.step_counter import StepCounter


def test_counts_in_step_with_its_buffer():
    counter = StepCounter()
    for _ in range(3):
        counter.advance()
    assert (int(counter), int(counter.count)) == (3, 3)


def test_goes_on_from_a_loaded_count():
    state = {'count': torch.tensor(41)}
    for load in (torch.nn.Module.load_state_dict, load_state_dict):
        counter = StepCounter()
        counter.advance()
        load(counter, state)
        counter.advance()
        assert (int(counter), int(counter.count)) == (42, 42)


def test_does_not_wait_for_the_device():
    counter = StepCounter()
    assert int(counter) == 0
    # A buffer on the meta device has no value to read.
    counter.to('meta')
    counter.advance()
    assert int(counter) == 1
