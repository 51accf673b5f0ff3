"""Draw the pictures of looks_bad.md, on digits.

    bash tools/quickstart.sh
    python docs/draw_looks_bad.py

Spoils one thing at a time: trains the variants below for the quick start's
models, in work_dirs/looks_bad, and draws docs/looks_bad_*.png. About four
minutes on two cores.
"""
import os
import subprocess
import sys
from pathlib import Path

import torch
from mmengine.registry import init_default_scope
from PIL import Image

from rcg.apis import RCGInferencer, labelled_grid
from rcg.datasets import Digits
from rcg.engine import load_config
from rcg.frozen import Frozen
from rcg.models.data_preprocessor import to_uint8
from rcg.registry import TOKENIZERS

ROOT = Path(__file__).resolve().parents[1]
DIGITS = ROOT / 'configs/digits'
QUICK = ROOT / 'work_dirs/quickstart'
OUT = ROOT / 'work_dirs/looks_bad'
COUNT = 12  # images of a row
# What is spoiled: config of the stage, and its changes.
VARIANTS = {
    'tokenizer_short': (DIGITS / 'tokenizer.py', ['train_cfg.max_samples=3200',
                                                  'model.warmup_steps=10']),
    'tokenizer_4': (DIGITS / 'tokenizer.py',
                    ['model.tokenizer.num_codes=4']),
    'rdm_short': (DIGITS / 'rdm.py', ['train_cfg.max_samples=7680']),
    'mage_60': (DIGITS / 'mage.py', [f'train_cfg.max_samples={60 * 128}']),
    'mage_200': (DIGITS / 'mage.py', [f'train_cfg.max_samples={200 * 128}']),
    'mage_few': (OUT / 'few.py', []),
}
FEW = 50


def write_few() -> None:
    """A folder of the first digits, and a config that trains MAGE on it."""
    (OUT / 'few').mkdir(parents=True, exist_ok=True)
    dataset = Digits('train')
    for i in range(FEW):
        pixels = dataset[i]['images'].permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(OUT / f'few/{i:02d}.png')
    (OUT / 'few.py').write_text(
        f"_base_ = {str(ROOT / 'configs/digits/mage.py')!r}\n"
        "train_dataloader = dict(dataset=dict(_delete_=True, "
        f"type='ImageFolder', data_root={str(OUT / 'few')!r}))\n", 'utf-8')


def train() -> None:
    for name, (stage, changes) in VARIANTS.items():
        subprocess.run(
            [sys.executable, 'tools/train.py', str(stage), '--work-dir',
             str(OUT / name), '--resume',
             *(['--cfg-options', *changes] if changes else [])], cwd=ROOT,
            check=True, env=os.environ | {'RCG_ROOT': str(QUICK)})


def config(stage: str, changes: dict | None = None):
    os.environ['RCG_ROOT'] = str(QUICK)
    return load_config(str(ROOT / f'configs/digits/{stage}.py'), changes)


def samples(folder: Path, **changes) -> list[torch.Tensor]:
    """Digits of MAGE at the config's settings, but for some changes."""
    model = RCGInferencer(config('mage', {
        name.replace('__', '.'): value for name, value in changes.items()}),
        str(folder))
    return list(model.sample(COUNT, seed=0, batch_size=64,
                             output='tensor'))


def reconstructions(folder: Path, digits: torch.Tensor,
                    **changes) -> list[torch.Tensor]:
    cfg = config('tokenizer').model.tokenizer.to_dict() | changes
    part = Frozen.build(TOKENIZERS, cfg | dict(
        checkpoint=str(folder), prefix='tokenizer.'))
    with torch.no_grad():
        return list(to_uint8(part.module(digits / 127.5 - 1)[0]))


def save(name: str, rows: list) -> None:
    labelled_grid(rows).save(ROOT / f'docs/looks_bad_{name}.png')


def held_out() -> torch.Tensor:
    dataset = Digits('test')
    return torch.stack([dataset[i]['images'] for i in range(COUNT)])


def nearest(images: list[torch.Tensor]) -> list[torch.Tensor]:
    """The nearest of the 50 training digits, by pixels."""
    dataset = Digits('train')
    known = torch.stack([dataset[i]['images'] for i in range(FEW)])
    distances = torch.cdist(torch.stack(images).float().flatten(1),
                            known.float().flatten(1))
    return list(known[distances.argmin(1)])


def main() -> None:
    init_default_scope('rcg')
    write_few()
    train()
    digits, mage = held_out(), QUICK / 'mage'
    save('tokenizer', [
        ('held-out digits', list(digits)),
        ('500 steps, 64 codes', reconstructions(QUICK / 'tokenizer', digits)),
        ('50 steps', reconstructions(OUT / 'tokenizer_short', digits)),
        ('4 codes', reconstructions(OUT / 'tokenizer_4', digits,
                                    num_codes=4))])
    usual = samples(mage)
    save('rdm', [
        ('RDM after 1,500 steps', usual),
        ('RDM after 30 steps', samples(
            mage, model__rdm__checkpoint=str(OUT / 'rdm_short')))])
    save('temperature', [
        (f'temperature {value}', samples(
            mage, model__generator__temperature=value))
        for value in (.5, 1.5, 9., 40.)])
    save('guidance', [
        (f'guidance {value}', samples(
            mage, model__generator__guidance_scale=value))
        for value in (1., 2., 6.)])
    save('steps', [('MAGE after 60 steps', samples(OUT / 'mage_60')),
                   ('200 steps', samples(OUT / 'mage_200')),
                   ('600 steps', usual)])
    few = samples(OUT / 'mage_few')
    save('data', [('MAGE trained on 50 digits', few),
                  ('the nearest of these 50', nearest(few)),
                  ('trained on 1,438 digits', usual)])


if __name__ == '__main__':
    main()
