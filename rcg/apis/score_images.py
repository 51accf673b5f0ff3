"""One pass of an extractor over images, for several metrics."""
import torch
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import Evaluator
from torch.utils.data import DataLoader

from rcg.datasets import SeedBatchSampler, collate_batch
from rcg.evaluation import shared_extractor
from rcg.registry import DATASETS, METRICS

# Type and settings, and the fewest images that it can be made of.
METRICS_BY_NAME = {
    'fid': (dict(type='FrechetDistance'), 2),
    'sfid': (dict(type='FrechetDistance', feature='spatial'), 2),
    'kid': (dict(type='KernelDistance'), 1000),
    'prc': (dict(type='PrecisionRecall'), 4),
    'dc': (dict(type='DensityCoverage'), 6),
    'is': (dict(type='InceptionScore'), 10),
}
_OUTPUTS = {'sfid': 'spatial', 'is': 'logits'}
# Names of results with other extractors than Inception.
_NAMED = {'fid': 'fd', 'sfid': 'sfd', 'kid': 'kd'}


def extractor_config(name: str, weights: str | None) -> dict:
    """What ``--extractor`` names: inception, dinov2, clip, or a config."""
    types = dict(inception='Inception', dinov2='DINOv2', clip='CLIP')
    if name in types:
        return dict(type=types[name],
                    **(dict(weights_path=weights) if weights else {}))
    from rcg.engine import load_config
    found = load_config(name, []).get('extractor')
    if found is None:
        raise ValueError(f"'{name}' defines no extractor = dict(...); name "
                         f'such a config, or one of {", ".join(types)}.')
    return {**found.to_dict(), **(dict(checkpoint=weights) if weights
                                  else {})}


def build_metrics(names: list[str], extractor: dict, count: int,
                  references: dict[str, dict | str],
                  subset_size: int = 1000) -> list:
    """Metrics of each name against each reference.

    Args:
        names: Keys of ``METRICS_BY_NAME``.
        extractor: Config.
        count: Number of images to be scored.
        references: By the prefix of their results.
        subset_size: Of KID.

    Raises:
        ValueError: There are too few images, or no reference.
    """
    built = []
    for name in names:
        cfg, fewest = METRICS_BY_NAME[name]
        cfg = dict(cfg, extractor=extractor)
        if name == 'kid':
            cfg['subset_size'] = fewest = subset_size
        if count < fewest:
            raise ValueError(
                f"'{name}' needs at least {fewest} images, got {count}: make "
                'more, or leave it out (--metrics; KID: --kid-subset-size).')
        if name in _NAMED:
            cfg['name'] = (name if extractor['type'] == 'Inception' else
                           f'{_NAMED[name]}_{extractor["type"].lower()}')
        if name == 'is':
            built.append(cfg)
        elif not references:
            raise ValueError(f"'{name}' compares with real images: name them "
                             '(--reference).')
        else:
            built += [dict(cfg, prefix=prefix, reference=reference)
                      for prefix, reference in references.items()]
    return [METRICS.build(cfg) for cfg in built]


def check_outputs(names: list[str], extractor: dict, dataset: dict) -> None:
    """See that an extractor gives what the metrics need.

    Raises:
        ValueError: It does not.
    """
    first = DATASETS.build(dataset)[0]['images'][None]
    outputs = shared_extractor(extractor)(first)
    for name in names:
        if _OUTPUTS.get(name, 'features') not in outputs:
            raise ValueError(f"'{name}' needs the {_OUTPUTS[name]} output, "
                             f'which {extractor["type"]} does not have: '
                             'leave the metric out (--metrics).')


def score(dataset: dict, metrics: list, batch_size: int, num_workers: int,
          device: torch.device) -> dict[str, float]:
    """Scores of all images, the same for any number of processes."""
    dataset = DATASETS.build(dataset)
    evaluator = Evaluator(metrics)
    evaluator.dataset_meta = dataset.metainfo
    loader = DataLoader(
        dataset, collate_fn=collate_batch,
        num_workers=0 if dataset.in_memory else num_workers,
        batch_sampler=SeedBatchSampler(
            DefaultSampler(dataset, shuffle=False), batch_size))
    for number, batch in enumerate(loader, 1):
        images = batch['images'].to(device)
        evaluator.process([dict(images=image, index=index) for image, index
                           in zip(images, batch['indices'], strict=True)])
        if number % 50 == 0 or number == len(loader):
            print(f'{number}/{len(loader)} batches', flush=True)
    return evaluator.evaluate(len(dataset))
