"""Errors of users and bugs, as they come out of real runs."""
import pickle

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.hooks import Hook
from torch._utils import ExceptionWrapper

from rcg.datasets import ImageFolder
from rcg.datasets.map_files import map_files
from rcg.engine import RcgRunner, load_config
from rcg.engine.errors import explain, is_users, message

from .running import CONFIG, build_runner
from .toy import ToyModel


def caught(function, *args, **kwargs) -> Exception:
    try:
        function(*args, **kwargs)
    except Exception as error:
        return error
    return pytest.fail('nothing was raised')


def run(path, **options):
    build_runner(path, train_cfg__max_iters=1, **options).train()


# Options of the toy config, and a part of what is said of them.
MISTAKES = {
    'argument': (dict(model__widht=3), "Did you mean 'width'"),
    'type': (dict(model__type='ToyModle'), "Did you mean 'ToyModel'"),
    'no type': (dict(custom_hooks=[{'interval': 3}]), '"type"'),
    'key': (dict(modle__width=3), "unknown top-level key 'modle'"),
    'no dict': (dict(model=3), 'model should be a'),
    'lacking argument': (dict(val_evaluator={'type': 'FrechetDistance'}),
                         'missing'),
    'argument of a loader': (dict(train_dataloader__batch_sizes=3),
                             'batch_sizes'),
    'value for a loader': (dict(train_dataloader__batch_size=-2),
                           'batch_size should be a positive integer'),
    'value for torch': (dict(optim_wrapper__optimizer__weight_decay=-1.),
                        'Invalid weight_decay value: -1.0'),
    'no such file': (dict(load_from='gone.pth'), 'gone.pth'),
}


@pytest.mark.parametrize('name', MISTAKES)
def test_mistakes_in_a_config_are_the_users(tmp_path, name):
    options, text = MISTAKES[name]
    error = caught(run, tmp_path, **options)
    assert is_users(error)
    assert text in message(error)


@pytest.mark.parametrize(('content', 'text'), [
    ('_x = 1\n_y = _x / 0', "c.py', line 2: ZeroDivisionError: division"),
    ('_x = nowhere', "c.py', line 1: NameError: name 'nowhere'"),
    ('_x = dict(\n', "c.py', line 1: SyntaxError: '(' was"),
    ("_base_ = 'gone.py'", 'gone.py'),
    ("custom_imports = dict(imports=['gone_module'])", 'gone_module'),
    ('from mmengine.config import read_base\nfrom gone_module import x\n'
     '_y = x.z()', "c.py' calls a function that it imports"),
])
def test_faulty_config_files_are_the_users(tmp_path, content, text):
    path = tmp_path / 'c.py'
    path.write_text(content)
    error = caught(load_config, str(path))
    assert is_users(error)
    assert text in message(error)


def test_a_config_without_a_key_is_the_users(tmp_path):
    cfg = load_config(CONFIG)
    cfg.work_dir = str(tmp_path)
    cfg.pop('model')
    error = caught(RcgRunner.from_cfg, cfg)
    assert is_users(error)
    assert message(error) == "the config has no 'model'."
    assert not is_users(caught(lambda: ConfigDict()['model']))


def test_a_folder_of_damaged_images_is_the_users(tmp_path):
    (tmp_path / 'x.png').write_bytes(b'no image')
    error = caught(in_worker, ImageFolder(str(tmp_path)).read, 0)
    assert is_users(error)
    assert 'x.png' in message(error)
    assert 'Traceback' not in message(error)


def bug_of_shapes(*args):
    torch.ones(2, 3) @ torch.ones(2, 3)


def bug_of_torchs_check(*args):
    F.cross_entropy(torch.ones(2, 3), torch.ones(3, dtype=torch.long))


def bug_of_a_missing_key(*args):
    {}['missing']  # noqa: B018


def bug_of_a_missing_attribute(*args):
    torch.nn.Linear(1, 1).missing  # noqa: B018


def bug_of_a_call(*args):
    bug_of_a_call(gone=3)


def bug_of_types(*args):
    len(3)


def bug_of_an_extension(*args):
    raise ValueError('of an extension')


def bug_of_a_message(*args):
    raise ValueError('got ' + 3)


def bug_of_pickle(*args):
    pickle.dumps(lambda: 0)


BUGS = [value for name, value in sorted(globals().items())
        if name.startswith('bug_of_')]


@pytest.mark.parametrize('bug', BUGS)
def test_operations_that_fail_are_bugs(bug):
    error = caught(bug)
    assert not is_users(error)
    assert 'This is a bug' in explain(error)


@pytest.mark.parametrize('bug', [bug_of_types, bug_of_torchs_check])
def test_bugs_in_a_model_are_bugs(tmp_path, monkeypatch, bug):
    monkeypatch.setattr(ToyModel, 'encode', bug)
    error = caught(run, tmp_path)
    assert not is_users(error)
    assert 'This is a bug' in explain(error)


def test_bugs_in_a_hook_are_bugs(tmp_path, monkeypatch):
    runner = build_runner(tmp_path, train_cfg__max_iters=1)
    hook = Hook()
    hook.after_train_iter = lambda runner: None  # MMEngine passes more
    runner.register_hook(hook)
    assert not is_users(caught(runner.train))


def test_a_constructor_that_fails_names_the_part(tmp_path):
    error = caught(run, tmp_path, model__width='wide')
    assert not is_users(error)
    assert ("'ToyModel' was being built: are its arguments in the config "
            'right?') in explain(error)


def test_a_check_of_ours_in_a_false_message_is_a_bug(monkeypatch):
    """The raise statement itself fails."""
    monkeypatch.setattr('rcg.engine.configs.loading.suggestion', bug_of_types)
    error = caught(load_config, CONFIG, {'modle': 3})
    assert not is_users(error)


def in_worker(function, *args) -> None:
    """Raise as a loader does when its worker fails, without its process.

    After an error a loader waits 5 seconds for the worker's end.
    """
    try:
        function(*args)
    except Exception:
        ExceptionWrapper(where='in DataLoader worker process 0').reraise()


@pytest.mark.parametrize('bug', [
    bug_of_a_missing_key, bug_of_torchs_check, bug_of_an_extension])
def test_bugs_in_a_worker_are_bugs(bug):
    error = caught(in_worker, bug)
    assert not is_users(error)
    assert 'Traceback' not in explain(error)
    assert not is_users(caught(list, map_files(bug, ['a', 'b'], 2)))


def test_the_places_of_the_traceback_are_told():
    error = caught(bug_of_shapes)
    assert 'which a.log keeps' in explain(error, ['a.log'])
    error = caught(load_config, 'gone.py')
    assert explain(error, ['a.log']).endswith('(traceback: a.log)')
    assert explain(error).endswith('(--debug shows where)')


def test_message_of_a_worker_is_its_last_line():
    error = ValueError('Caught ValueError in DataLoader worker process 0.\n'
                       'Original Traceback (most recent call last):\n'
                       '  File "x.py", line 3, in f\n    raise ValueError()\n'
                       'ValueError: image x is bad\n')
    assert message(error) == 'image x is bad'
    assert 'ValueError: image x is bad' in explain(error)  # a bug in f


def test_message_of_a_system_error_names_the_file():
    error = FileNotFoundError(2, 'No such file', 'a/b')
    assert message(error) == 'No such file: a/b'


def test_message_is_never_empty():
    assert message(ValueError()) == 'ValueError'
