"""Train and score RCG on digits: commands, two at a time.

    bash tools/quickstart.sh [--short] [--seeds 3] [--work-dir DIR]

Each stage is a call of tools/train.py, tools/test.py or tools/sample.py that
is printed and can be copied. Interrupted and started again, it goes on.
"""
import argparse
import sys
import time
from pathlib import Path

# The settings of sampling that every model may choose from, by its distance
# to the training digits (never the held-out ones): (steps, temperature).
SETTINGS = ((12, .5), (12, 1.5), (12, 4.5), (12, 9.))
SHORT = {'encoder': 60, 'tokenizer': 150, 'classifier': 60, 'rdm': 300,
         'mage_uncond': 100, 'mage': 100, 'mage_class_cond': 100}
NEEDS = {'rdm': ('encoder', ), 'mage_uncond': ('tokenizer', ),
         'mage_class_cond': ('tokenizer', ),
         'mage': ('encoder', 'tokenizer', 'rdm'),
         'rdm_pca': ('encoder_pca', ),
         'mage_pca': ('encoder_pca', 'tokenizer', 'rdm_pca')}
TRAINED = ('encoder', 'tokenizer', 'rdm', 'mage_uncond', 'mage',
           'mage_class_cond', 'classifier')
CONTROL = ('encoder_pca', 'rdm_pca', 'mage_pca')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--short', action='store_true',
                        help='fewer iterations: a check that all works')
    parser.add_argument('--seeds', type=int, default=1, metavar='N',
                        help='N runs and their mean, each model at its best '
                        'sampling settings, with the PCA control')
    parser.add_argument('--work-dir', default='work_dirs/quickstart')
    return parser.parse_args()


def stages(args: argparse.Namespace, seed: int):
    """Yield (name, command, needs) of all stages of one run."""
    names = TRAINED + (CONTROL if args.seeds > 1 else ())
    models = [name for name in names if name.startswith('mage')]
    for name in names:
        options = [f'randomness.seed={seed}'] if seed else []
        if args.short:
            options.append(f'train_cfg.max_iters={SHORT[name]}')
        yield name, ['tools/train.py', f'configs/digits/{name}.py',
                     '--resume', *_cfg_options(options)], NEEDS.get(name, ())
    for name in ['tokenizer', *models]:
        options = [f'test_dataloader.dataset.seed={seed}'] if (
            seed and name != 'tokenizer') else []
        for tag, setting in _settings(args, name):
            yield f'score_{name}{tag}', [
                'tools/test.py', f'configs/digits/{name}.py',
                f'{{root}}/{name}', '--out',
                f'{{root}}/{name}/metrics{tag}.json',
                *_cfg_options(options + setting)], (name, 'classifier')
    for name in models:
        labels = ['--labels', *map(str, range(10))]
        yield f'sample_{name}', [
            'tools/sample.py', f'configs/digits/{name}.py',
            f'{{root}}/{name}', '--num', '20', '--seed', str(seed), '--out',
            f'{{root}}/{name}/images',
            *(labels if name == 'mage_class_cond' else [])], (name, )


def _settings(args: argparse.Namespace, name: str):
    if args.seeds == 1 or name == 'tokenizer':
        return [('', [])]
    return [(f'_{steps}_{temperature:g}',
             [f'model.generator.num_steps={steps}',
              f'model.generator.temperature={temperature}'])
            for steps, temperature in SETTINGS]


def _cfg_options(options: list[str]) -> list[str]:
    return ['--cfg-options', *options] if options else []


def main() -> None:
    args, begun = parse_args(), time.monotonic()
    print('quick start: loading PyTorch', flush=True)
    from quickstarting.report import report
    from quickstarting.stages import Stage, StageRunner

    folder = Path(args.work_dir)
    roots = [folder]
    if args.seeds > 1:
        roots = [folder / f'seed_{seed}' for seed in range(args.seeds)]
    for seed, root in enumerate(roots):
        failed = StageRunner(root).run(
            [Stage(*stage) for stage in stages(args, seed)])
        if failed:
            sys.exit(f'{", ".join(failed)} failed (see above); the same '
                     'command goes on from here')
    report(folder, roots, time.monotonic() - begun)


if __name__ == '__main__':
    main()
