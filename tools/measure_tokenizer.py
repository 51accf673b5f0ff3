"""Measure how well a tokenizer brings back your images, before you train.

    python tools/measure_tokenizer.py TOKENIZER_CONFIG CHECKPOINT IMAGE_FOLDER
                                      [--size 256] [--num N]
                                      [--out work_dirs/tokenizer/metrics.json]

TOKENIZER_CONFIG is any config with ``tokenizer = dict(...)``, for example
configs/_base_/tokenizers/maskgit_vqgan.py, or one that trains a tokenizer. It
reports PSNR (of the squared error over all pixels), SSIM (RGB, 11x11 Gaussian
window) and rFID, the Frechet distance of reconstructions from the images
themselves; compare it for equal numbers of images only. grid.png beside the
metrics shows originals over reconstructions.
"""
import argparse
import json
from pathlib import Path


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config with a tokenizer')
    parser.add_argument('checkpoint', help='its weights, or a work folder')
    parser.add_argument('images', help='folder of images, in any nesting')
    parser.add_argument('--size', type=int, default=256,
                        help='shorter side resized to it, then center crop')
    parser.add_argument('--num', type=int, metavar='N',
                        help='so many images, spread over the folder')
    parser.add_argument('--out', metavar='FILE',
                        default='work_dirs/tokenizer/metrics.json')
    parser.add_argument('--inception', metavar='PATH', help='weights of '
                        "torch-fidelity's Inception, for rFID; default: "
                        "`extractor` of the config, else torch hub's cache")
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--device', help='cuda, cpu, ...')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE',
                        default=[], help='override config entries: a.b=1')
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def load_model(cfg, args: argparse.Namespace):
    """The tokenizer as a model that predicts reconstructions; its hash."""
    import torch

    from rcg.checkpoint import load_weights
    from rcg.registry import MODELS
    training = cfg.get('model', {})
    trained = training.get('type') in ('VQTraining', 'KLTraining')
    part = dict((training if trained else cfg).get('tokenizer') or {})
    if not part:
        raise ValueError(f"'{args.config}' defines no tokenizer = dict(...); "
                         'take one of configs/_base_/tokenizers.')
    part.pop('checkpoint', None)
    prefix = part.pop('prefix', 'tokenizer.' if trained else '')
    model = MODELS.build(dict(
        type='VQTraining', tokenizer=part,
        data_preprocessor=dict(type='ImagePreprocessor')))
    model.tokenizer.grid_size(args.size)  # before anything is read
    loaded = load_weights(model.tokenizer, args.checkpoint, prefix)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    return model.to(args.device or device).eval(), loaded.sha256


def build_metrics(cfg, args: argparse.Namespace, images: dict) -> list:
    """PSNR and SSIM, and a Frechet distance if there is an extractor."""
    from rcg.evaluation import (
        FrechetDistance,
        ReconstructionError,
        StructuralSimilarity,
    )
    metrics = [ReconstructionError(), StructuralSimilarity()]
    extractor = cfg.get('extractor') or dict(type='Inception')
    if args.inception:
        extractor = dict(type='Inception', weights_path=args.inception)
    name = 'rfid' if extractor['type'] == 'Inception' else 'rfd'
    try:
        metrics.append(FrechetDistance(dict(extractor), images, name,
                                       prefix='reconstruction'))
    except (FileNotFoundError, ModuleNotFoundError) as error:
        if args.inception:
            raise
        print(f'without rFID: {error}', flush=True)
    return metrics


def measure(model, metrics: list, images: dict,
            batch_size: int) -> tuple[dict, list, int]:
    """Metrics of all images, up to 32 of the outputs, number of images."""
    from mmengine.evaluator import Evaluator
    from torch.utils.data import DataLoader

    from rcg.datasets import collate_batch
    from rcg.registry import DATASETS
    dataset, evaluator = DATASETS.build(images), Evaluator(metrics)
    shown, step = [], -(-len(dataset) // 32)
    for batch in DataLoader(dataset, batch_size, num_workers=2,
                            collate_fn=collate_batch):
        outputs = model.test_step(batch)
        evaluator.process(outputs, batch)
        shown += [x for x in outputs if x['index'] % step == 0]
        print(f'{outputs[-1]["index"] + 1}/{len(dataset)} images', flush=True)
    return evaluator.evaluate(len(dataset)), shown, len(dataset)


def run(args: argparse.Namespace) -> None:
    import torch
    from mmengine.registry import init_default_scope
    from PIL import Image

    from rcg.checkpoint import open_atomically
    from rcg.engine import load_config, make_grid
    init_default_scope('rcg')
    cfg = load_config(args.config, args.cfg_options)
    model, sha256 = load_model(cfg, args)
    images = dict(type='ImageFolder', data_root=args.images,
                  num_images=args.num,
                  pipeline=[dict(type='Resize', size=args.size),
                            dict(type='CenterCrop', size=args.size)])
    metrics, shown, num = measure(
        model, build_metrics(cfg, args, images), images, args.batch_size)
    pairs = torch.stack([torch.cat([x['originals'], x['images']], 1).cpu()
                         for x in shown])
    Path(args.out).resolve().parent.mkdir(parents=True, exist_ok=True)
    grid = make_grid(pairs).permute(1, 2, 0).numpy()
    Image.fromarray(grid).save(Path(args.out).with_name('grid.png'))
    metrics = {name.rpartition('/')[2]: x for name, x in metrics.items()}
    print('  '.join(f'{name} {x:.4g}' for name, x in metrics.items()))
    about = dict(config=args.config, checkpoint=args.checkpoint,
                 sha256=sha256, images=args.images, size=args.size, num=num)
    with open_atomically(args.out) as file:
        file.write((json.dumps(metrics | about, indent=1) + '\n').encode())


def main() -> None:
    args = parse_args()
    print(f'measure {args.config} {args.checkpoint}', flush=True)
    from _cli import friendly_errors

    with friendly_errors(args.debug):
        run(args)


if __name__ == '__main__':
    main()
