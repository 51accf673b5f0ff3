"""Scalars go to every backend; the config is stored once."""
import json

from .running import build_runner


def test_backends_and_config(tmp_path):
    runner = build_runner(tmp_path)
    runner.visualizer.add_scalars({'loss_x': 2.}, step=3)
    runner.visualizer.close()
    line = json.loads(next(tmp_path.glob('*/*/scalars.json')).read_text())
    assert line == {'loss_x': 2., 'step': 3}
    events = next(tmp_path.glob('*/*/events*')).read_bytes()
    assert b'loss_x' in events
    copies = list(tmp_path.rglob('*config.py'))
    assert copies == [tmp_path / 'toy_config.py']
    assert "type='ToyModel'" in copies[0].read_text()
