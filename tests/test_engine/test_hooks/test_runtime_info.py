"""The message hub knows where a run is; it keeps few values."""
from ..running import build_runner


def test_iteration_is_known_and_values_are_few(tmp_path):
    """MMEngine's message hub knows the iteration and hoards no values."""
    runner = build_runner(tmp_path, default_hooks__logger__interval=5)
    runner.train()
    assert runner.message_hub.get_info('iter') == 9
    assert runner.message_hub.get_info('max_iters') == 10
    history = runner.message_hub.get_scalar('train/loss')
    assert len(history.data[0]) == 2
    assert 'train/lr' not in runner.message_hub.log_scalars
