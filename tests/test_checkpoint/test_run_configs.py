"""The config of a training run, told apart from other files."""
import os

from rcg.checkpoint import run_configs

OF_A_RUN = """model = dict(type='RCG')
train_cfg = dict(max_iters=10)
work_dir = 'elsewhere'
"""


def test_scripts_and_other_configs_are_not_taken_for_it(tmp_path):
    (tmp_path / 'run.py').write_text(OF_A_RUN)
    ran = tmp_path / 'ran'
    for name, text in {
            'script': f'{OF_A_RUN}open({str(ran)!r}, "w")',
            'written': "_base_ = 'base.py'\n" + OF_A_RUN,
            'test': OF_A_RUN.replace('dict(max_iters=10)', 'None'),
            'no_run': "model = dict(type='RCG')",
            'broken': 'model = (', 'binary': '\0'}.items():
        (tmp_path / f'{name}.py').write_text(text)
    (tmp_path / 'folder.py').mkdir()
    wanted = [str(tmp_path / 'run.py')]
    assert run_configs(tmp_path) == wanted
    assert run_configs(tmp_path / 'iter_1.pth') == wanted
    assert not ran.exists()
    assert run_configs(tmp_path / 'folder.py') == []
    assert run_configs(tmp_path / 'no' / 'folder') == []


def test_the_newest_comes_first(tmp_path):
    for age, name in enumerate('bca'):
        (tmp_path / f'{name}.py').write_text(OF_A_RUN)
        os.utime(tmp_path / f'{name}.py', (100 - age, 100 - age))
    names = [os.path.basename(path) for path in run_configs(tmp_path)]
    assert names == ['b.py', 'c.py', 'a.py']
