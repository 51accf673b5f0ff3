"""What hidden tokens of a generator know of classes, by probes."""
from collections.abc import Iterator, Sequence

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from rcg.apis.images import held_out_dataset, train_dataset
from rcg.apis.json_file import write_json
from rcg.apis.run_config import load_any_config
from rcg.checkpoint import load_weights
from rcg.datasets import collate_batch
from rcg.engine.configs.loading import title_of
from rcg.engine.devices import usable_device
from rcg.evaluation.functional.neighbors import knn_accuracy
from rcg.registry import DATASETS, MODELS
from rcg.rng import SampleRng
from rcg.spread import evenly_spread

# Probing asks neither for representations nor for patches.
_UNUSED = 'encoder', 'rdm', 'patch_encoder'
_PLACES = 100  # levels of noise to choose from
_VOTES, _BATCH = 5, 64  # neighbors that vote; images at a time


def probe_features(config: Config | dict | str, checkpoint: str, *,
                   depths: Sequence[int] | None = None, noise: float = .1,
                   num_images: int | None = 2000, out: str | None = None,
                   device: str | None = None,
                   options: list[str] | dict | None = None
                   ) -> list[dict[str, float]]:
    """Probe the hidden tokens of a transformer that diffuses.

    Tokens of noisy real images are averaged; no condition is given. Neighbors
    among held-out images vote; a classifier is fitted to training images.

    Args:
        config: Of an RCG whose generator diffuses with a DiT, or its path.
            Its images have labels, which are used for this alone.
        checkpoint: File or work folder.
        depths: Numbers of blocks; None: each.
        noise: Share of the way from image to noise, in (0, 1], in hundredths.
        num_images: So many of each set, evenly spread; None: all.
        out: JSON file for the result.
        device: By default a GPU, if there is one.
        options: Changes of the config by dotted key.

    Returns:
        ``depth``, ``knn_accuracy`` and ``linear_accuracy`` (%), by depth.

    Raises:
        ValueError: Something of this cannot be probed.
    """
    if not 0 < noise <= 1:
        raise ValueError(f'noise must be in (0, 1], got {noise}.')
    device, cfg = usable_device(device), load_any_config(config, options)
    init_default_scope('rcg')
    model = _load(cfg, checkpoint, torch.device(device))
    depths = _depths(model.generator.network, depths)
    fitted, scored = (_pooled(model, loader, depths, noise)
                      for loader in _loaders(cfg, num_images))
    found = [_scores(depth, fitted, scored) for depth in depths]
    if out:
        write_json(found, out)
    return found


def _scores(depth: int, fitted: dict, scored: dict) -> dict[str, float]:
    """Accuracies of the tokens after so many blocks."""
    rows, labels = scored[depth], scored['labels']
    return dict(depth=depth,
                knn_accuracy=100 * knn_accuracy(rows, labels, _VOTES),
                linear_accuracy=100 * linear_accuracy(
                    fitted[depth], fitted['labels'], rows, labels))


def linear_accuracy(rows: Tensor, labels: Tensor, others: Tensor,
                    other_labels: Tensor) -> float:
    """Share in [0, 1] of others (M, D) that a linear classifier gets right.

    It is a logistic regression, fitted to ``rows`` (N, D), whose channels are
    standardized; the penalty is scikit-learn's.
    """
    from sklearn.linear_model import LogisticRegression
    std, mean = torch.std_mean(rows, 0)
    std = std.clamp(min=1e-6)
    classifier = LogisticRegression(max_iter=1000)
    classifier.fit(((rows - mean) / std).numpy(), labels.numpy())
    return float(classifier.score(((others - mean) / std).numpy(),
                                  other_labels.numpy()))


def table(rows: list[dict]) -> str:
    """The result of :func:`probe_features` as Markdown."""
    lines = ['| blocks | k-NN accuracy, % | linear accuracy, % |',
             '|---|---|---|']
    return '\n'.join(lines + [
        f'| {row["depth"]} | {row["knn_accuracy"]:.1f} | '
        f'{row["linear_accuracy"]:.1f} |' for row in rows])


def _load(cfg: Config, checkpoint: str, device: torch.device) -> nn.Module:
    """The model without the parts that probing does not use."""
    part = dict(cfg.get('model') or {})
    if 'generator' not in part:
        raise ValueError(f'{title_of(cfg)} has no generator to probe: give '
                         'the config of an RCG.')
    model = MODELS.build({**part, **{
        name: None for name in _UNUSED if name in part}})
    load_weights(model, checkpoint)
    if not hasattr(model.generator, 'diffusion'):
        raise ValueError('hidden tokens are those of noisy codes, and '
                         f'{type(model.generator).__name__} is no diffusion '
                         'model; give a config such as configs/digits/dit.py.')
    return model.to(device).eval()


def _depths(network: nn.Module, depths: Sequence[int] | None) -> list[int]:
    count = getattr(network, 'depth', None)
    if count is None:
        raise ValueError(f'{type(network).__name__} has no blocks of tokens '
                         'to probe; give a config with a DiT.')
    depths = list(range(1, count + 1) if depths is None else depths)
    if not depths or not 1 <= min(depths) <= max(depths) <= count:
        raise ValueError(f'depths must be in [1, {count}], the number of '
                         f'blocks, got {depths}.')
    return depths


def _loaders(cfg: Config, num_images: int | None) -> Iterator[DataLoader]:
    """Training images and held-out ones, labelled."""
    held_out = held_out_dataset(cfg)
    if held_out is None:
        raise ValueError('the config names no held-out images: give _held_out '
                         '= dict(...), a dataset as in train_dataloader.')
    for part in (train_dataset(cfg), held_out):
        dataset = DATASETS.build(part)
        if 'labels' not in dataset[0]:
            raise ValueError('probes want labels, and the images of '
                             f'{type(dataset).__name__} have none.')
        chosen = evenly_spread(len(dataset), num_images)
        yield DataLoader(Subset(dataset, chosen), _BATCH,
                         collate_fn=collate_batch)


@torch.no_grad()
def _pooled(model: nn.Module, loader: DataLoader, depths: list[int],
            noise: float) -> dict[int | str, Tensor]:
    """Means (N, D) over the tokens by depth, and ``labels`` (N,)."""
    generator, labels, count = model.generator, [], 0
    process, rows = generator.diffusion, {depth: [] for depth in depths}
    times = process.schedule.times(_PLACES, 'trailing')
    time = times[max(0, round(noise * _PLACES) - 1)]
    for batch in loader:
        labels.append(batch['labels'])
        numbers = range(count, count + len(labels[-1]))
        count = numbers.stop
        images = model.data_preprocessor(dict(batch))['images']
        rng = SampleRng.from_seed(0, numbers, device=images.device)
        codes = _codes(model, images, rng)
        t = torch.full((len(codes), ), time, device=codes.device)
        x_t = process.add_noise(codes, t, rng.normal(*codes.shape[1:]))
        embedding = _null(generator.network, len(codes))
        for depth in depths:
            _, tokens = generator.network(
                x_t, process.network_time(t), embedding, hidden_depth=depth)
            rows[depth].append(tokens.float().mean(1).cpu())
    return {**{depth: torch.cat(parts) for depth, parts in rows.items()},
            'labels': torch.cat(labels)}


def _codes(model: nn.Module, images: Tensor, rng: SampleRng) -> Tensor:
    with model.tokenizer.in_float32(images.device) as tokenizer:
        return tokenizer.training_codes(tokenizer.encode(images), rng)


def _null(network: nn.Module, batch_size: int) -> Tensor | None:
    """The null condition, where there is one."""
    layer = network.condition_embed
    if layer is None or not layer.drop_prob:
        return None
    return layer.null(batch_size)
