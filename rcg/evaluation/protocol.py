"""How scores were made: all that decides whether two can be compared."""
import contextlib
import datetime
import hashlib
import json
import platform
import subprocess
from pathlib import Path

import mmengine
import numpy
import torch
from mmengine.dist import get_world_size
from mmengine.evaluator import BaseMetric
from torch import nn

import rcg
from rcg.checkpoint import file_sha256
from rcg.engine.frozen_parts import describe_parts, frozen_parts
from rcg.engine.naming import stage_name
from rcg.engine.unwrapping import bare_model
from rcg.evaluation.metrics.sample_metric import SampleMetric
from rcg.evaluation.references.dataset_reference import fingerprint

# Attributes with settings of sampling.
_SAMPLED_BY = 'generator', 'sampler', 'guidance', 'diffusion'


def describe_test(runner, generated: int, seconds: float) -> dict:
    """The protocol of a test run, in plain types.

    Args:
        runner: It has just tested.
        generated: Number of samples that this session made.
        seconds: How long that took.

    Returns:
        Nested dict. Whatever may differ when the same command runs again, or
        on another number of processes, is below ``run``.
    """
    cfg, model = runner.cfg.to_dict(), bare_model(runner)
    tested = {name: cfg.get(name) for name in (
        'model', 'test_dataloader', 'test_evaluator', 'test_cfg')}
    text = json.dumps(tested, sort_keys=True, default=str)
    half = (cfg.get('test_cfg') or {}).get('fp16', False)
    path = runner.loaded_from
    return dict(
        config=dict(name=stage_name(runner),
                    sha256=hashlib.sha256(text.encode()).hexdigest()),
        checkpoint=dict(path=path, sha256=file_sha256(path) if path else None),
        frozen_parts=describe_parts(model),
        samples=_describe_samples(runner.test_dataloader),
        sampling=_describe_sampling(model),
        quantization=getattr(model, 'quantization', 'truncate'),
        precision=dict(autocast='float16' if half else None,
                       matmul=torch.get_float32_matmul_precision(),
                       **_describe_precision(model)),
        metrics=[_describe_metric(metric)
                 for metric in runner.test_loop.evaluator.metrics],
        versions=versions(),
        run=dict(
            device=(torch.cuda.get_device_name() if torch.cuda.is_available()
                    else 'CPU'),
            processes=get_world_size(), samples=generated, seconds=seconds,
            samples_per_second=generated / seconds if seconds else None,
            date=datetime.datetime.now().isoformat(timespec='seconds')))


def versions() -> dict[str, str | None]:
    """Versions of what computes the scores; the commit if git knows it."""
    import torchvision  # takes a second
    home, commit = Path(rcg.__file__).parents[1], None
    if (home / '.git').exists():
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            commit = subprocess.run(
                ['git', '-C', str(home), 'rev-parse', 'HEAD'], check=True,
                capture_output=True, text=True).stdout.strip()
    return dict(
        rcg=rcg.__version__, commit=commit, python=platform.python_version(),
        **{m.__name__: str(m.__version__)
           for m in (torch, torchvision, numpy, mmengine)})


def _describe_metric(metric: BaseMetric) -> dict:
    """Names of its results, and what it says if it is one of ours."""
    if not isinstance(metric, SampleMetric):
        return dict(results=[])
    return dict(results=list(metric.names), **metric.describe())


def _describe_samples(loader) -> dict:
    dataset = loader.dataset
    if not hasattr(dataset, 'seed'):
        return dict(count=len(dataset), type=type(dataset).__name__,
                    sha256=fingerprint(dataset))
    classes = getattr(dataset, 'num_classes', None)
    return dict(
        count=len(dataset), type=type(dataset).__name__, seed=dataset.seed,
        labels=f'index modulo {classes}' if classes else None, order='index',
        batch_size=getattr(loader.batch_sampler, 'batch_size', None))


def _describe_sampling(model: nn.Module) -> dict[str, dict]:
    """Settings of generator, guidance and samplers, by attribute path."""
    found, owners = {}, {'': model, **frozen_parts(model)}
    owners['generator'] = getattr(model, 'generator', None)
    for path, owner in owners.items():
        for name in _SAMPLED_BY:
            part = getattr(owner, name, None)
            if part is not None:
                found[f'{path}.{name}'.strip('.')] = _settings(part)
    return found


def _describe_precision(model: nn.Module) -> dict[str, str | bool]:
    """In what a model samples besides; nothing if all is as usual."""
    sampling = getattr(model, 'sampling', None)
    return sampling.describe() if sampling is not None else {}


def _settings(part) -> dict:
    """Type and public numbers, strings and tuples of a part."""
    values = {name: value for name, value in vars(part).items()
              if not name.startswith('_') and name != 'training'
              and isinstance(value, (int, float, str, tuple))}
    return dict(type=type(part).__name__, **values)
