"""Commands of pages as tests run them: on small models, with few steps."""
import os
import re
import shutil
import subprocess
import sys

from rcg.apis.run_config import load_any_config

from ..test_engine.running import ROOT, environment, run_tool

ROOT_OF_MODELS = 'work_dirs/quickstart'
PROJECT = 'work_dirs/fit/images-32'
# What stands for what, in commands; a word is replaced as a whole.
WORDS = {
    'CONFIG': 'configs/digits/mage.py', 'CHECKPOINT': '{root}/mage',
    'WORK_DIR': '{root}/mage', 'OTHER_WORK_DIR': '{root}/mage_uncond',
    'OUT': 'published', 'A': 'configs/digits/mage.py',
    'B': 'configs/digits/dit.py', 'IMAGES': 'images', 'FOLDER': 'images',
    'EMOJIS': 'images', 'REAL': 'images', '/path/to/images': 'images',
    'configs/digits/NAME.py': 'configs/digits/mage.py'}
DIT = {'CONFIG': 'configs/digits/dit.py', 'CHECKPOINT': '{root}/dit'}
# Parts of words, by regular expression.
PARTS = {
    r'\$RCG_ROOT': '{root}', r'^OUT/': f'{PROJECT}/', '=REAL$': '=images',
    r'STATISTICS\.npz': 'adm.npz', '=SEED$': '=1', '=LR$': '=1e-3',
    '=STEPS$': '=2'}
TINY = dict(train=['train_cfg.max_iters=2', 'train_dataloader.batch_size=8'],
            test=['test_dataloader.dataset.num_images=20'],
            sweep=['test_dataloader.dataset.num_images=20'], sample=[],
            compare_samplers=['test_dataloader.dataset.num_images=20'])
LAUNCHED = dict(dist_train='train', dist_test='test',
                dist_cache_features='cache_features')
DIFFERENT = 1  # exit status of tools/diff_config.py


def resolved(words):
    """The words of a command, with values for what stands for any."""
    stem = next((word.split('/')[-1].removesuffix('.py') for word in words
                 if word.startswith('configs/')), 'mage')
    by_diffusion = 'tools/compare_samplers.py' in words
    found = []
    for word in words:
        word = DIT.get(word, word) if by_diffusion else word
        word = WORDS.get(word, word)
        word = '{root}/' + stem if word == 'RUN' else word
        for pattern, value in PARTS.items():
            word = re.sub(pattern, value, word)
        found.append(word.replace('{root}', ROOT_OF_MODELS))
    return found


def run(folder, words):
    """Run a command in a folder; its failure fails the test."""
    program, *rest = resolved(words)
    if program == 'torchrun':
        rest = ['-m', 'torch.distributed.run', '--standalone', *rest]
    script, *args = rest
    name = script.removeprefix('tools/')
    kind = re.sub(r'\.(py|sh)$', '', name)
    env = dict(RCG_DATA=str(folder / 'images'))
    if not any(word.startswith('configs/folder') for word in rest):
        env['RCG_ROOT'] = str(folder / ROOT_OF_MODELS)
    if script in ('-m', '-c') or script.startswith('docs/'):
        return _run_python(folder, [script, *args], env)
    if kind in LAUNCHED:
        args = ['2' if arg == '8' else arg for arg in args]
        kind = LAUNCHED[kind]
    args = _shortened(folder, kind, args)
    done = run_tool(name, *args, cwd=folder, check=kind != 'diff_config',
                    **env)
    assert done.returncode in (0, DIFFERENT), done.stdout + done.stderr
    return done.stdout


def _shortened(folder, kind, args):
    """Arguments of a command that takes a moment."""
    if kind in TINY and '--dry-run' not in args:
        config = folder / args[0] if (folder / args[0]).exists() else args[0]
        cfg = load_any_config(str(config))
        if kind == 'train':
            args = _from_the_start(folder, cfg, args)
        if kind == 'compare_samplers':  # the first number of calls
            args = args[:args.index('--calls') + 2]
        options = _few(kind, cfg, args)
        if options and '--cfg-options' not in args:
            args = [*args, '--cfg-options']
        return [*args, *options]
    if kind == 'fit':
        return [*args, '--dry-run']
    if kind in ('evaluate_images', 'reference_statistics'):
        return [*args, '--extractor', 'toy.py', '--num-workers', '0']
    return args


def _from_the_start(folder, cfg, args):
    """Make way for a training, or let a longer one take two steps more."""
    if '--extend' in args:
        at = args.index('--extend') + 1
        return [*args[:at], '2', *args[at + 1:]]
    if '--resume' not in args:
        shutil.rmtree(folder / cfg.work_dir, ignore_errors=True)
    return args


def _few(kind, cfg, args):
    """Options of few steps and few images, as the config has them."""
    if cfg.get('optim_wrapper', {}).get('constructor') == 'NoOptimizer':
        return []  # one pass in closed form
    if kind == 'test' and 'num_images' not in (
            cfg.test_dataloader.get('dataset', {})):
        found = []
    else:
        found = list(TINY[kind])
    if kind == 'train' and 'num_images' in (
            cfg.get('val_dataloader') or {}).get('dataset', {}):
        found.append('val_dataloader.dataset.num_images=20')
    if kind == 'train' and cfg.optim_wrapper.get('dtype') == 'bfloat16':
        found.append('optim_wrapper.dtype=float32')  # which any CPU has
    for place in ('model', 'model.rdm', 'model.generator'):
        part = cfg
        for key in place.split('.'):
            part = part.get(key) or {}
        if 'num_steps' in part and '--steps' not in args:
            found.append(f'{place}.num_steps=2')
        if 'sampler' in part and (
                kind == 'sweep' or '--rdm-steps' not in args):
            found.append(f'{place}.sampler.num_steps=2')
    return found


def _run_python(folder, args, env):
    """A module, code or a file of docs/, in a process of its own."""
    if 'docs/measure_scaling.py' in args:
        args = [*args, '--dim', '64', '--steps', '2']
    if 'rcg.projects.dlc' in args:
        args = [*args, '--cfg-options', 'model.rdm.sampler.num_steps=2',
                'model.generator.sampler.num_steps=2']
    done = subprocess.run(
        [sys.executable, *args], cwd=folder, check=False,
        capture_output=True, text=True, env=environment(**env), timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_room(template, folder):
    """A copy of a template, with what a checkout has beside it.

    The least preset stands for the one of a GPU in configs/folder.
    """
    shutil.copytree(template, folder, copy_function=os.link)
    for name in ('docs', 'configs'):
        shutil.copytree(ROOT / name, folder / name)
    parts = folder / 'configs/folder/parts.py'
    parts.write_text(parts.read_text('utf-8').replace(
        './small_64.py', './tiny_32.py'), 'utf-8')
    (folder / 'projects').symlink_to(ROOT / 'projects')
