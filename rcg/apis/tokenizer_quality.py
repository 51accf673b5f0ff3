"""How well a tokenizer reconstructs images, and what its generator loses."""
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from PIL import Image
from torch import nn

from rcg.apis.images import image_dataset
from rcg.apis.json_file import write_json
from rcg.apis.run_config import load_any_config, name_of
from rcg.checkpoint import load_weights
from rcg.datasets import collate_batch
from rcg.engine import Halving
from rcg.engine.configs.loading import title_of
from rcg.engine.data_loading import WatchedLoader
from rcg.engine.devices import usable_device
from rcg.engine.hooks.sample_grid import SMALLEST, make_grid
from rcg.evaluation import (
    ColorError,
    FrechetDistance,
    ReconstructionError,
    StructuralSimilarity,
)
from rcg.registry import DATASETS, MODELS, type_name

SHOWN = 32  # images in the grid, at most
DEFAULT_SIZE = 256  # of images, if the config names none
# Below these a tokenizer is blamed; see judge().
LEAST_PSNR, LEAST_KEPT, LEAST_USED = 20, .5, .5


def measure_tokenizer(
        config: Config | dict | str, checkpoint: str,
        images: str | None = None, *, size: int | None = None,
        num: int | None = None, out: str = 'work_dirs/tokenizer/metrics.json',
        inception: str | None = None, batch_size: int = 16,
        device: str | None = None,
        options: list[str] | dict | None = None) -> dict[str, float]:
    """Measure and judge the reconstructions of a tokenizer.

    Args:
        config: Of a ``tokenizer`` or its training; or the path of one.
        checkpoint: File or work folder.
        images: Folder of images; by default the config's, if held out.
        size: Of the central crops; by default the config's, else 256.
        num: Use that many images, spread evenly over the folder.
        out: JSON file for the result; grid.png beside it shows examples.
        inception: Weights of torch-fidelity's Inception; by default the
            config's ``extractor``, or torch.hub's cache, else no rFID.
        batch_size: Images at a time.
        device: By default a GPU, if there is one.
        options: Changes of the config by dotted key.

    Returns:
        Scores by name; of a codebook, its use, too.

    Raises:
        FileNotFoundError, ValueError: One of these cannot be used.
    """
    device = usable_device(device)
    init_default_scope('rcg')
    cfg = load_any_config(config, options)
    dataset, size = _dataset(cfg, images, size, num)
    model, sha256 = _load_model(*_tokenizer(cfg), checkpoint, size)
    metrics = _build_metrics(cfg, inception, dataset)
    found, shown, count = _evaluate(
        model.to(device).eval(), metrics, dataset, batch_size)
    _write(out, found, shown, verdict=judge(found), config=name_of(config),
           checkpoint=checkpoint, sha256=sha256,
           images=images or dataset.get('data_root'), size=size, num=count)
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
    print(f'images of {size}x{size} pixels', flush=True)
    model = MODELS.build(dict(
        type='VQTraining', tokenizer=tokenizer,
        data_preprocessor=dict(type='ImagePreprocessor')))
    model.tokenizer.grid_size(size)  # fails before a large file is read
    loaded = load_weights(model.tokenizer, checkpoint, prefix)
    return model, loaded.sha256


def _dataset(cfg: Config, images: str | None, size: int | None,
             num: int | None) -> tuple[dict, int]:
    """Config of a dataset of central crops, and their size."""
    try:
        known = image_dataset(cfg)
    except ValueError:
        if images is None:
            raise
        known = {}
    sizes = [step['size'] for step in known.get('pipeline', ())
             if 'size' in step]
    own = sizes[-1] if sizes else DEFAULT_SIZE
    if images is not None:
        size = own if size is None else size
        return dict(type='ImageFolder', data_root=images, num_images=num,
                    pipeline=_to_size(size)), size
    if size is not None:
        known['pipeline'] = _to_size(size)
    if num is not None:
        known['num_images'] = num
    shape = DATASETS.build(dict(known))[0]['images'].shape
    return known, shape[-1]


def _to_size(size: int) -> list[dict]:
    return [dict(type='Resize', size=size), dict(type='CenterCrop', size=size)]


def _build_metrics(cfg: Config, inception: str | None,
                   dataset: dict) -> list[BaseMetric]:
    """PSNR and SSIM, and a Frechet distance if there is an extractor."""
    metrics = [ReconstructionError(), StructuralSimilarity(), ColorError()]
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
    codes = _Codes(getattr(model.tokenizer, 'quantizer', None))
    halving = Halving('reconstructing images')
    for batch in WatchedLoader(dataset, batch_size, num_workers=2,
                               collate_fn=collate_batch):
        outputs = halving(model.test_step, batch)
        evaluator.process(outputs, batch)
        codes.count(outputs)
        shown += [x for x in outputs if x['index'] % step == 0]
        print(f'{outputs[-1]["index"] + 1}/{len(dataset)} images', flush=True)
    scores = {name.removeprefix('reconstruction/'): score for name, score in
              evaluator.evaluate(len(dataset)).items()}
    return scores | codes.scores(), shown, len(dataset)


class _Codes:
    """Counts the codes that images have, if the tokenizer has a codebook."""

    def __init__(self, quantizer: nn.Module | None) -> None:
        self.quantizer = quantizer
        self.counts = torch.zeros(getattr(quantizer, 'num_codes', 0))

    def count(self, outputs: list[dict]) -> None:
        if self.quantizer is not None:
            ids = torch.stack([x['codes'] for x in outputs]).flatten().cpu()
            self.counts += torch.bincount(ids, minlength=len(self.counts))

    def scores(self) -> dict[str, float]:
        if self.quantizer is None:
            return {}
        share = self.counts / self.counts.sum()
        entropy = -(share * share.clamp(min=1e-12).log()).sum()
        return dict(codes=len(self.counts),
                    codes_used=int((self.counts > 0).sum()),
                    perplexity=entropy.exp().item())


def judge(scores: dict[str, float]) -> list[str]:
    """Say what a generator of these codes will lose, and what to change.

    Args:
        scores: Those of :func:`measure_tokenizer`.

    Returns:
        Sentences; none if nothing is amiss.
    """
    found = []
    if scores['psnr'] < LEAST_PSNR:
        found.append(
            f'Details are lost: PSNR {scores["psnr"]:.1f} dB, wanted '
            f'{LEAST_PSNR} or more. Train the tokenizer longer, or give it '
            'more tokens (_grid), more codes, or perceptual=dict(...).')
    lost = {name.partition('/')[2]: value for name, value in scores.items()
            if name.startswith('hue_kept/') and value < LEAST_KEPT}
    if lost:
        named = ', '.join(f'{name} ({value:.0%} of its pixels keep it)'
                          for name, value in lost.items())
        found.append(f'Colors are lost: {named}. More codes, more tokens '
                     '(_grid) or more steps of the tokenizer keep rare ones.')
    if 'codes' in scores and scores['codes_used'] < (
            LEAST_USED * scores['codes']):
        found.append(
            f'Only {scores["codes_used"]} of {scores["codes"]} codes are '
            'used: train longer, or take fewer codes, which makes the '
            "generator's work easier.")
    return found


def _write(out: str, scores: dict[str, float], shown: list[dict],
           **about: str | int | list) -> None:
    """Write scores and what they are of, and the grid beside them."""
    path = Path(out)
    path.resolve().parent.mkdir(parents=True, exist_ok=True)
    _save_grid(shown, path.with_name('grid.png'))
    write_json(scores | about, out)
    print('\n'.join(about['verdict']), flush=True)


def _save_grid(outputs: list[dict], path: Path) -> None:
    """Save originals over reconstructions."""
    pairs = torch.stack([torch.cat([x['originals'], x['images']], 1).cpu()
                         for x in outputs])
    grid = make_grid(pairs, SMALLEST).permute(1, 2, 0).numpy()
    Image.fromarray(grid).save(path)
