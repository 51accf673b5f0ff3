"""Folders, files and configs may have any name that the system allows."""
import ast
import json
import os
import runpy
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from rcg.checkpoint import read_checkpoint, save_atomically
from rcg.datasets import ImageFolder
from rcg.engine import load_config
from rcg.engine.configs.loading import parse_options
from rcg.evaluation.references.command_line import places_by_name

from .test_engine.running import CONFIG, ROOT, environment
from .test_engine.toy_painter import ToyPainter
from .test_evaluation.toy import ToyExtractor

# Quotes, what shells, configs and % expand, a line break, UTF-8, other bytes.
NAMES = [
    b'-it\'s a "b" {{$HOME:x}} {{fileDirname}} {y} %s %(z)s $(touch P) `no`'
    b'\n\t\\1\\ ::x=y,z [a]*? #', b'~\xc3\x84pfel \xff\xfe \'\'\' "']
PAINTER = CONFIG.replace('toy_config', 'toy_painter_config')


def write_configs(folder, name):
    """Configs of a run that caches features, of images, of an extractor."""
    training = folder / f'{name}.py'
    training.write_text(
        f'_base_ = {CONFIG!r}\n'
        "train_cfg = dict(max_iters=4, val_interval=4)\n"
        "custom_hooks = [dict(type='SampleGridHook', interval=4, "
        'num_images=7),\n'
        "    dict(type='CacheFeaturesHook', names=['representations'],\n"
        "         cache_dir='{{ fileDirname }}/cache')]\n", 'utf-8')
    painting = folder / 'painter.py'
    painting.write_text(
        f'_base_ = {PAINTER!r}\n'
        'test_dataloader = dict(dataset=dict(num_images=24))\n'
        "test_evaluator = [dict(type='InceptionScore', "
        "extractor=dict(type='ToyExtractor'))]\n", 'utf-8')
    extractor = folder / 'extractor.py'
    extractor.write_text(
        "custom_imports = dict(imports=['tests.test_evaluation.toy'])\n"
        "extractor = dict(type='ToyExtractor', "
        "checkpoint='{{fileDirname}}/größe.safetensors')\n", 'utf-8')
    return training, painting, extractor


def train(call, folder, name, config):
    """Train, resume, train what was dumped, test."""
    work = folder / f'run{name}'
    call('train', config, '--work-dir', work)
    first = read_checkpoint(str(work / 'iter_4.pth'))
    dumped = work / f'{name}.py'
    assert first['meta']['cfg'] == dumped.read_text('utf-8')
    assert load_config(str(dumped)).work_dir == str(work)
    assert list((folder / 'cache').iterdir())
    (work / 'iter_4.pth').unlink()
    (work / 'last_checkpoint').write_text('iter_2.pth')
    call('train', config, '--work-dir', work, '--resume')
    shutil.rmtree(folder / 'cache')
    call('train', dumped, '--work-dir', folder / 'again')
    for again in (work, folder / 'again'):
        found = read_checkpoint(str(again / 'iter_4.pth'))['state_dict']
        assert all(torch.equal(value, found[key])
                   for key, value in first['state_dict'].items())
    logs = list(work.glob('*/*.log'))
    assert len(logs) == 2
    assert all('4/4' in log.read_text('utf-8') for log in logs)
    assert len(list(work.glob('*/vis_data/vis_image/*.png'))) == 2
    assert len(list(work.glob('*/vis_data/events*'))) == 2
    out = folder / f'{name}.json'
    call('test', config, work, '--out', out, '--work-dir', folder / 'test')
    assert 'protocol' in json.loads(out.read_text('utf-8'))


def score(call, folder, name, painter, extractor):
    """Draw images, rename them, score them."""
    weights = folder / f'weights{name}.safetensors'
    save_atomically(ToyPainter().state_dict(), str(weights))
    images = folder / f'images{name}'
    call('test', painter, weights, '--save-images', images,
         '--work-dir', folder / 'painter')
    for number, path in enumerate(images.glob('*/*.png')):
        (images / f'of{name}').mkdir(exist_ok=True)
        path.rename(images / f'of{name}' / f'{number}{name}.png')
    data = ImageFolder(str(images))
    assert (len(data), len(data.fingerprint())) == (24, 64)
    save_atomically(ToyExtractor(0).state_dict(),
                    str(folder / os.fsdecode('größe.safetensors'.encode())))
    np.savez(folder / f'reference{name}.npz', arr_0=np.stack(
        [data[i]['images'].permute(1, 2, 0) for i in range(len(data))]))
    out = folder / f'scores{name}.json'
    call('evaluate_images', images, '--reference',
         folder / f'reference{name}.npz', '--extractor', extractor,
         '--device', 'cpu', '--num-workers', 0, '--out', out)
    found = json.loads(out.read_text('utf-8'))
    value, = (v for key, v in found.items() if '/fd' in key)
    assert abs(value) < 1e-3


def use_everything(call, folder, name):
    folder.mkdir()
    training, painter, extractor = write_configs(folder, name)
    train(call, folder, name, training)
    score(call, folder, name, painter, extractor)


def call_tool(name, *args):
    """Run a tool as if it had been called, in this process."""
    path = str(ROOT / 'tools' / f'{name}.py')
    sys.argv, argv = [path, *map(str, args)], sys.argv
    try:
        runpy.run_path(path, run_name='__main__')
    finally:
        sys.argv = argv


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    return tmp_path


@pytest.mark.parametrize('name', NAMES, ids=['quoted', 'bytes'])
def test_everything_works_in_any_folder(here, capfd, name):
    name = os.fsdecode(name)
    use_everything(call_tool, here / name, name)
    assert [path.name for path in here.iterdir()] == [name]
    assert 'rror' not in capfd.readouterr().err


def opened_without_encoding(source):
    """Lines that open text with the encoding of the locale."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or 'encoding' in {
                keyword.arg for keyword in call.keywords}:
            continue
        name = getattr(call.func, 'id', None) or getattr(
            call.func, 'attr', None)
        is_binary = any(isinstance(arg, ast.Constant) and 'b' in str(arg.value)
                        for arg in call.args[1:2])
        if (name == 'open' and isinstance(call.func, ast.Name)
                and not is_binary or name == 'read_text' and not call.args
                or name == 'write_text' and len(call.args) < 2):
            yield call.lineno


def test_text_is_utf8_in_every_locale():
    found = [f'{path.relative_to(ROOT)}:{line}'
             for folder in ('rcg', 'tools', 'projects')
             for path in (ROOT / folder).rglob('*.py')
             for line in opened_without_encoding(path.read_text('utf-8'))]
    assert not found
    assert list(opened_without_encoding(
        "open(a)\nopen(a, 'w')\nopen(a, 'rb')\np.read_text()\n"
        "p.write_text(x)\np.write_text(x, 'utf-8')")) == [1, 2, 4, 5]


def test_names_with_an_equals_sign(here):
    (here / 'a=b').mkdir()
    assert places_by_name(['a=b', 'c=d']) == {'a=b': 'a=b', 'c': 'd'}


def test_options_keep_their_spaces(here):
    options = parse_options(['a=/my data/x', 'b= 5', "c='it''s '", "d='x y",
                             'e=True ', 'f=1, 2'])
    assert options == dict(a='/my data/x', b=5, c="it''s ", d="'x y", e=True,
                           f=[1, 2])


@pytest.mark.parametrize('script', ['dist_train.sh', 'slurm_test.sh'])
def test_shell_scripts_in_any_folder(here, script):
    name = NAMES[0]
    shutil.copytree(ROOT / 'tools', here / os.fsdecode(name))
    for stub in ('srun', 'python'):
        path = here / 'bin' / stub
        path.parent.mkdir(exist_ok=True)
        path.write_text('#!/bin/sh\nprintf "%s\\0" "$@"')
        path.chmod(0o755)
    arguments = [os.fsencode(f'{i} ') + name for i in range(5)]
    arguments[1 if script == 'dist_train.sh' else 4] = b'1'
    done = subprocess.run(
        ['bash', b'./' + name + b'/' + script.encode(), *arguments],
        check=True, capture_output=True, env=environment(
            PATH=f'{here}/bin:{os.environ["PATH"]}', PYTHON='python',
            CDPATH=str(here)))
    found = done.stdout.partition(b'\n')[2] if script == 'dist_train.sh' \
        else done.stdout
    found = found.split(b'\0')
    assert set(arguments) - {b'1'} <= set(found)
    assert os.fsencode(here) + b'/' + name in {
        os.path.dirname(word) for word in found}
    assert not (here / 'P').exists()


@pytest.mark.slow
def test_everything_works_where_file_names_are_ascii(tmp_path):
    """By the command line; a process has one encoding of file names."""
    code = ('from tests.test_paths import *\n'
            'from pathlib import Path\n'
            'assert sys.getfilesystemencoding() == "ascii"\n'
            'sys.path.insert(0, str(ROOT / "tools"))\n'
            'use_everything(call_tool, Path(sys.argv[1]), sys.argv[2])\n'
            'print("done")')
    done = subprocess.run(
        [sys.executable, '-c', code, os.fsencode(tmp_path / 'a') + NAMES[1],
         NAMES[1]], cwd=tmp_path, check=False, capture_output=True,
        env=environment(LC_ALL='C', PYTHONUTF8='0'))
    assert done.stdout.endswith(b'done\n'), done.stderr.decode()
    assert done.stderr == b''
    assert len(os.listdir(tmp_path)) == 1
