"""How well a tokenizer reconstructs images."""
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from PIL import Image

from rcg.apis.json_file import write_json
from rcg.apis.run_config import load_any_config, name_of
from rcg.checkpoint import load_weights
from rcg.datasets import collate_batch
from rcg.engine import Halving, make_grid
from rcg.engine.configs.loading import title_of
from rcg.engine.data_loading import WatchedLoader
from rcg.engine.devices import usable_device
from rcg.evaluation import (
    FrechetDistance,
    ReconstructionError,
    StructuralSimilarity,
)
from rcg.registry import DATASETS, MODELS, type_name

SHOWN = 32  # images in the grid, at most


def measure_tokenizer(
        config: Config | dict | str, checkpoint: str, images: str, *,
        size: int = 256, num: int | None = None,
        out: str = 'work_dirs/tokenizer/metrics.json',
        inception: str | None = None, batch_size: int = 16,
        device: str | None = None,
        options: list[str] | dict | None = None) -> dict[str, float]:
    """Measure PSNR, SSIM and rFID of the reconstructions of a tokenizer.

    Args:
        config: A config that has or trains a ``tokenizer``; or its path.
        checkpoint: File or work folder.
        images: Folder of images, in any nesting.
        size: The shorter side is resized to it, then the centre is cropped.
        num: Use that many images, spread evenly over the folder.
        out: JSON file for the result; grid.png beside it shows examples.
        inception: Weights of torch-fidelity's Inception; by default those of
            the config's ``extractor`` or of torch.hub's cache, else no rFID.
        batch_size: Images at a time.
        device: By default a GPU, if there is one.
        options: Changes of the config by dotted key.

    Returns:
        Scores by name.

    Raises:
        FileNotFoundError: There are no such images or weights.
        ValueError: The config has no tokenizer, or ``size`` does not fit it.
    """
    device = usable_device(device)
    init_default_scope('rcg')
    cfg = load_any_config(config, options)
    model, sha256 = _load_model(*_tokenizer(cfg), checkpoint, size)
    model.to(device).eval()
    dataset = _dataset(images, size, num)
    metrics = _build_metrics(cfg, inception, dataset)
    found, shown, count = _evaluate(model, metrics, dataset, batch_size)
    _write(out, found, shown, config=name_of(config), checkpoint=checkpoint,
           sha256=sha256, images=images, size=size, num=count)
    return found


def _tokenizer(cfg: Config) -> tuple[dict, str]:
    """Config of the tokenizer, and prefix of its weights in a checkpoint."""
    training = cfg.get('model', {})
    trained = 'type' in training and type_name(training) in (
        'VQTraining', 'KLTraining')
    part = dict((training if trained else cfg).get('tokenizer') or {})
    if not part:
        raise ValueError(f'{title_of(cfg)} defines no tokenizer = '
                         'dict(...); take one of configs/_base_/tokenizers.')
    part.pop('checkpoint', None)
    return part, part.pop('prefix', 'tokenizer.' if trained else '')


def _load_model(tokenizer: dict, prefix: str, checkpoint: str,
                size: int) -> tuple[BaseModel, str]:
    """A model that predicts reconstructions, and the hash of its weights."""
    model = MODELS.build(dict(
        type='VQTraining', tokenizer=tokenizer,
        data_preprocessor=dict(type='ImagePreprocessor')))
    model.tokenizer.grid_size(size)  # fails before a large file is read
    loaded = load_weights(model.tokenizer, checkpoint, prefix)
    return model, loaded.sha256


def _dataset(images: str, size: int, num: int | None) -> dict:
    """Config of a dataset of central crops (3, size, size) of a folder."""
    return dict(type='ImageFolder', data_root=images, num_images=num,
                pipeline=[dict(type='Resize', size=size),
                          dict(type='CenterCrop', size=size)])


def _build_metrics(cfg: Config, inception: str | None,
                   dataset: dict) -> list[BaseMetric]:
    """PSNR and SSIM, and a Frechet distance if there is an extractor."""
    metrics = [ReconstructionError(), StructuralSimilarity()]
    extractor = cfg.get('extractor') or dict(type='Inception')
    if inception:
        extractor = dict(type='Inception', weights_path=inception)
    name = 'rfid' if type_name(extractor) == 'Inception' else 'rfd'
    try:
        metrics.append(FrechetDistance(dict(extractor), dataset, name,
                                       prefix='reconstruction'))
    except (FileNotFoundError, ModuleNotFoundError) as error:
        if inception:
            raise
        print(f'without rFID: {error}', flush=True)
    return metrics


def _evaluate(model: BaseModel, metrics: list[BaseMetric], dataset_cfg: dict,
              batch_size: int) -> tuple[dict, list[dict], int]:
    """Scores of all images by name, outputs to show, number of images."""
    dataset, evaluator = DATASETS.build(dataset_cfg), Evaluator(metrics)
    shown, step = [], -(-len(dataset) // SHOWN)
    halving = Halving('reconstructing images')
    for batch in WatchedLoader(dataset, batch_size, num_workers=2,
                               collate_fn=collate_batch):
        outputs = halving(model.test_step, batch)
        evaluator.process(outputs, batch)
        shown += [x for x in outputs if x['index'] % step == 0]
        print(f'{outputs[-1]["index"] + 1}/{len(dataset)} images', flush=True)
    scores = {name.rpartition('/')[2]: score for name, score in
              evaluator.evaluate(len(dataset)).items()}
    return scores, shown, len(dataset)


def _write(out: str, scores: dict[str, float], shown: list[dict],
           **about: str | int) -> None:
    """Write scores and what they are of, and the grid beside them."""
    path = Path(out)
    path.resolve().parent.mkdir(parents=True, exist_ok=True)
    _save_grid(shown, path.with_name('grid.png'))
    write_json(scores | about, out)


def _save_grid(outputs: list[dict], path: Path) -> None:
    """Save originals over reconstructions."""
    pairs = torch.stack([torch.cat([x['originals'], x['images']], 1).cpu()
                         for x in outputs])
    grid = make_grid(pairs).permute(1, 2, 0).numpy()
    Image.fromarray(grid).save(path)
