"""What stored features depend on, and which folder is theirs."""
import hashlib
import json
import os
from collections.abc import Iterator

from rcg.engine.frozen_parts import frozen_parts, part_digest
from rcg.engine.stored_features import read_about
from rcg.engine.unwrapping import bare_model
from rcg.precision import float32_precision


def what_it_depends_on(runner, choices: dict[str, str]) -> dict[str, str]:
    """All that decides about features, by a name for people.

    Files are looked at and weights are hashed: call it on one process.

    Args:
        runner: It has the model and the training data.
        choices: What a user has chosen besides.
    """
    model, dataset = bare_model(runner), runner.train_dataloader.dataset
    parts, configs = frozen_parts(model), runner.cfg.get('model', {})
    used = getattr(model, 'encoding_parts', None)
    if used is not None:
        parts = {n: p for n, p in parts.items() if n.partition('.')[0] in used}
        configs = {n: c for n, c in configs.items() if n in used}
    prints = (dataset.fingerprints() if hasattr(dataset, 'fingerprints')
              else dict(images=str(dataset.fingerprint())))
    configs = json.dumps(list(_part_configs(configs)), sort_keys=True,
                         default=str)
    return {**prints, **choices,
            **{f'weights of {n}': part_digest(p) for n, p in parts.items()},
            'configs of frozen parts': configs,
            'float32 precision': str(float32_precision())}


def folder_of(cache_dir: str, about: dict[str, str]) -> str:
    """Path of the features that depend on this."""
    text = json.dumps(about, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:32]
    return os.path.join(cache_dir, name)


def differences(about: dict[str, str], cache_dir: str
                ) -> tuple[str, list[str]] | None:
    """Those stored features that differ least from the wanted ones.

    Features under other names do not count.

    Returns:
        Path of their folder, and names of what differs. None if there are
        none, or the wanted ones are there.
    """
    found = []
    for name in sorted(os.listdir(cache_dir)
                       if os.path.isdir(cache_dir) else []):
        path = os.path.join(cache_dir, name)
        other = (read_about(path) or {}).get('about')
        if other and other.get('features') == about['features']:
            found.append((path, [key for key in {**about, **other}
                                 if about.get(key) != other.get(key)]))
    nearest = min(found, key=lambda one: len(one[1]), default=None)
    return nearest if nearest and nearest[1] else None


def _part_configs(cfg) -> Iterator[dict]:
    """Configs of frozen parts, without the paths of their weights."""
    if isinstance(cfg, dict):
        if 'checkpoint' in cfg:
            yield {k: v for k, v in cfg.items() if k != 'checkpoint'}
        for value in cfg.values():
            yield from _part_configs(value)
