"""Cheap commands of some pages are run, as they stand there.

Each page gets a folder of its own with untrained digits models. Of a loop the
turn of MAGE is run. Options that make a command short are added: few steps,
few images, two iterations. Commands of other pages are parsed (test_pages.py).
A table here says which commands other tests or CI run.
"""
import os
import re
import shlex
import shutil

import pytest
from PIL import Image

from rcg.engine import load_config

from ..test_engine.running import run_tool
from .test_pages import MARKS, TEXTS, blocks, commands
from .test_pages import inline_commands as inline

pytestmark = pytest.mark.slow
# What stands for what, in commands.
NAMES = {
    'CONFIG': 'configs/digits/mage.py', 'CHECKPOINT': '{root}/mage',
    'WORK_DIR': '{root}/mage', 'OTHER_WORK_DIR': '{root}/mage_uncond',
    'A': 'configs/digits/mage.py', 'B': 'configs/digits/dit.py',
    'IMAGES': 'images', 'FOLDER': 'images', 'EMOJIS': 'images',
    '/path/to/images': 'images'}
PAGES = 'README.md', 'configs/digits/README.md', 'docs/conditions.md'
TINY = dict(train=['train_cfg.max_iters=2', 'train_dataloader.batch_size=8'],
            test=['test_dataloader.dataset.num_images=20'],
            sweep=['test_dataloader.dataset.num_images=20'], sample=[])
# Beginnings of commands: what runs them, or why nothing does.
ELSEWHERE = {
    'bash tools/(quickstart|run_tests|build_docs|check_release|run_faults)'
    r'\.sh': '.ci/run', 'bash .ci/run': 'CI', '.venv/bin/ruff': '.ci/run',
    'pip install': '.ci/run installs what pages name',
    'python tools/demo.py': 'test_apis/test_demo',
    'python tools/quickstart.sh': '.ci/run',
    'python tools/fit.py EMOJIS': 'test_apis/test_fitting',
    'python tools/fit.py IMAGES --class-cond': 'test_apis/test_fitting',
    'python tools/(train|sample|test|sweep|measure_tokenizer).py '
    '(OUT|work_dirs/fit)': 'of a project of fit.py: test_apis/test_fitting',
    'python -m rcg.projects': 'test_projects',
    r'python tools/\w+.py (projects/|crops.py)': 'test_projects',
    r"python tools/\w+.py '?configs/(folder|rcg|rdm|_base_|cifar10|inat21)":
        'the models are large: test_configs*.py build them small',
    'bash tools/(dist|slurm)': 'test_tools/test_launch.py',
    'python tools/(convert_checkpoint|check_weights)': 'test_converters',
    'python tools/(check_full_size|verify_reference|benchmark|'
    'benchmark_evaluation|prepare_imagenet_val|compare_samplers|'
    r'evaluate_images|reference_statistics|verify_metrics)\.py':
        'test_tools: needs weights of Inception or ImageNet, or takes long',
    'python tools/measure_tokenizer.py': 'test_tools/test_measure_tokenizer',
    'python docs/': 'draws a figure of measured numbers',
    r'python tools/train.py configs/digits/NAME.py': 'a pattern, no command',
    'python tools/train.py CONFIG --dry-run': 'docs/runs.md has a real one',
    'python tools/test.py .* SEED|.*seed=SEED': 'a pattern, no command',
}


def unrolled(text):
    """Loops of a block, with MAGE's turn alone or the first."""
    def turn(match):
        name, values, body = match.groups()
        values = re.sub(r'\\\n', ' ', values).split()
        value = 'mage' if 'mage' in values else values[0]
        return re.sub(rf'\${name}\b', value, body)

    return re.sub(r'for (\w+) in ([^;]+); do\n(.*?)\n\s*done', turn, text,
                  flags=re.DOTALL)


def found_in(page):
    """Commands of a page that have no mark, each once."""
    found = [words for mark, text in blocks(page, 'bash')
             if not mark.startswith(MARKS)
             for words in commands(unrolled(text))]
    found += inline(TEXTS[page])
    return [list(words) for words in dict.fromkeys(map(tuple, found))]


def runs_elsewhere(words):
    return any(re.match(pattern, shlex.join(words)) for pattern in ELSEWHERE)


def chosen():
    """What is run of each page; what needs nothing of its page, once."""
    seen, found = set(), {}
    for page in PAGES:
        for words in found_in(page):
            free = tuple(words) if words[1:2] == ['tools/fit.py'] else page
            if not runs_elsewhere(words) and (free, *words) not in seen:
                seen.add((free, *words))
                found.setdefault(page, []).append(words)
    return found


RUN = chosen()


def test_every_line_of_the_table_is_needed():
    every = [shlex.join(words) for page in TEXTS for words in found_in(page)]
    assert [pattern for pattern in ELSEWHERE
            if not any(re.match(pattern, line) for line in every)] == []


@pytest.fixture(scope='module')
def template(untrained, tmp_path_factory):
    """A folder where the quick start has worked, as it were."""
    folder = tmp_path_factory.mktemp('template')
    root = folder / 'work_dirs/quickstart'
    shutil.copytree(untrained, root, copy_function=os.link)
    for name in ('classifier', 'mage', 'mage_uncond'):
        shutil.rmtree(root / name, ignore_errors=True)
        run(folder, ['python', 'tools/train.py', f'configs/digits/{name}.py'])
    for i in range(12):
        path = folder / f'images/{i % 2}/{i}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (64, 64), (20 * i, 99, 9)).save(path)
    return folder


def run(folder, words):
    """Run a command in a folder; its failure fails the test."""
    root = 'work_dirs/quickstart'
    values = {name: value.format(root=root) for name, value in NAMES.items()}
    words = [values.get(word, word.replace('$RCG_ROOT', root))
             for word in words]
    tool = words[1].removeprefix('tools/')
    kind = tool.removesuffix('.py')
    if kind in TINY and '--dry-run' not in words:
        if kind == 'train' and not {'--resume', '--extend'} & {*words}:
            name = words[2].split('/')[-1].removesuffix('.py')
            shutil.rmtree(folder / root / name, ignore_errors=True)
        if '--cfg-options' not in words:
            words.append('--cfg-options')
        words += TINY[kind] + few_steps(words[2], words)
    if kind == 'fit':
        words.append('--dry-run')
    return run_tool(tool, *words[2:], cwd=folder,
                    RCG_ROOT=str(folder / root)).stdout


def few_steps(config, words):
    """Options of a config that let it sample in a moment."""
    model = load_config(config).model
    found = []
    if 'generator' in model and '--steps' not in words:
        found.append('model.generator.num_steps=2')
    rdm = model.get('rdm') or {}
    if 'sampler' in rdm and '--rdm-steps' not in words:
        found.append('model.rdm.sampler.num_steps=2')
    return found


@pytest.mark.parametrize('page', RUN)
def test_commands_run(page, template, tmp_path):
    folder = tmp_path / 'here'
    shutil.copytree(template, folder, copy_function=os.link)
    for words in RUN[page]:
        run(folder, words)
