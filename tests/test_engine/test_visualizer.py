"""Config, scalars and pictures go to every backend."""
import json
import sys

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.visualization import BaseVisBackend

from rcg.engine import RcgRunner, ScalarVisualizer, load_config
from rcg.engine.errors import is_users
from rcg.registry import VISBACKENDS

from .running import CONFIG, build_runner


def test_backends_and_config(tmp_path):
    runner = build_runner(tmp_path)
    runner.visualizer.add_scalars({'loss_x': 2.}, step=3)
    runner.visualizer.close()
    line = json.loads(next(tmp_path.glob('*/*/scalars.json')).read_text())
    assert line == {'loss_x': 2., 'step': 3}
    events = next(tmp_path.glob('*/*/events*')).read_bytes()
    assert b'loss_x' in events
    assert b"type='ToyModel'" in events
    copies = list(tmp_path.rglob('*config.py'))
    assert sorted(c.name for c in copies) == ['config.py', 'toy_config.py']
    for copy in copies:
        assert "type='ToyModel'" in copy.read_text()


@VISBACKENDS.register_module()
class RecordingVisBackend(BaseVisBackend):
    """Keeps what it is given."""

    def __init__(self, save_dir: str | None = None) -> None:
        super().__init__(save_dir or '')
        self.calls = []

    def _init_env(self) -> None:
        """Nothing is needed."""

    @property
    def experiment(self):
        return self

    def add_config(self, config, **kwargs) -> None:
        self.calls.append(('config', config.to_dict()))

    def add_scalar(self, name, value, step=0, **kwargs) -> None:
        self.calls.append(('scalar', name, step))

    def add_scalars(self, scalar_dict, step=0, file_path=None, **kwargs):
        self.calls += [('scalar', name, step) for name in scalar_dict]

    def add_image(self, name, image, step=0, **kwargs) -> None:
        self.calls.append(('image', name, image.shape, step))


def test_a_backend_of_ones_own_gets_all(tmp_path):
    runner = build_runner(
        tmp_path, train_cfg__max_iters=2, visualizer__vis_backends=[
            dict(type='RecordingVisBackend')])
    runner.train()
    calls = runner.visualizer._vis_backends['RecordingVisBackend'].calls
    config, = (call[1] for call in calls if call[0] == 'config')
    assert config == runner.cfg.to_dict()
    assert ('scalar', 'loss', 1) in calls
    assert ('image', 'samples', (200, 200, 3), 2) in calls
    assert ('scalar', 'toy/mean', 2) in calls


@pytest.mark.parametrize(('name', 'package'), [
    ('WandbVisBackend', 'wandb'), ('MLflowVisBackend', 'mlflow'),
    ('ClearMLVisBackend', 'clearml'), ('NeptuneVisBackend', 'neptune'),
    ('DVCLiveVisBackend', 'dvclive pygit2'), ('AimVisBackend', 'aim'),
    ('TensorboardVisBackend', 'tensorboard')])
@pytest.mark.parametrize('visualizer', ['Visualizer', 'ScalarVisualizer'])
def test_a_missing_package_is_named_before_training(
        tmp_path, monkeypatch, name, package, visualizer):
    for module in [m for m in sys.modules if m.split('.')[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(ValueError, match=f'{name}.*pip install {package}'):
        build_runner(tmp_path, visualizer__type=visualizer,
                     visualizer__vis_backends=[dict(type=name)])


@pytest.mark.parametrize('runner', [Runner, RcgRunner])
def test_a_missing_package_is_the_users_affair(tmp_path, monkeypatch, runner):
    """Also in a plain script, and if there is a folder of that name."""
    monkeypatch.setitem(sys.modules, 'aim', None)  # so that the end forgets
    monkeypatch.delitem(sys.modules, 'aim')  # the import of the folder
    (tmp_path / 'aim').mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    cfg = load_config(CONFIG, {
        'work_dir': str(tmp_path), 'visualizer.type': 'Visualizer',
        # A stock Runner takes over the visualizer of another one of its name.
        'experiment_name': f'{tmp_path.name} {runner.__name__}',
        'visualizer.vis_backends': [dict(type='AimVisBackend')]})
    with pytest.raises((ValueError, ImportError),
                       match='pip install aim') as caught:
        runner.from_cfg(cfg)
    assert is_users(caught.value)


def test_the_config_is_formatted_once(tmp_path, monkeypatch):
    """That took most of the time of a start."""
    count, text = [], Config.pretty_text.fget
    monkeypatch.setattr(Config, 'pretty_text', property(
        lambda self: count.append(1) or text(self)))
    runner = build_runner(tmp_path, model__width=11)
    assert len(count) == 1
    runner.cfg.model.width = 12
    runner.visualizer.add_config(runner.cfg)
    copy, = tmp_path.glob('*/vis_data/config.py')
    assert load_config(str(copy)).model.width == 12


def test_drawing_makes_the_figure():
    visualizer = ScalarVisualizer()
    assert visualizer.fig_save_canvas is None
    visualizer.set_image(np.zeros((8, 8, 3), np.uint8))
    visualizer.draw_bboxes(np.array([[1, 1, 5, 5]]), edge_colors='r')
    assert visualizer.get_image().any()
