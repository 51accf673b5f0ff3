"""Representations of real images, or centroids of them, in a file to draw."""
import os

import torch
from mmengine.config import Config

from rcg.apis.feature_caching import caching, hook_of
from rcg.apis.run_config import run_config
from rcg.checkpoint import save_atomically
from rcg.engine.configs.loading import title_of
from rcg.engine.stored_features import StoredRows
from rcg.pretraining.kmeans import kmeans


def store_representations(config: Config | dict | str, out: str, *,
                          clusters: int | None = None, seed: int = 0,
                          views: int | None = None,
                          work_dir: str | None = None,
                          options: list[str] | dict | None = None
                          ) -> tuple[int, int]:
    """Write a file for :class:`StoredRepresentations`.

    Args:
        config: See :func:`~rcg.apis.run_config.load_any_config`. Its model
            has an encoder; the images are those of its train_dataloader.
        out: The file, .safetensors.
        clusters: Write so many centroids, and the sizes of their clusters.
            None: all representations.
        seed: Of the centroids.
        views: Augmented views of each image, if its augmentations are random;
            all of them are taken.
        work_dir: As for :func:`~rcg.apis.run_config.run_config`.
        options: Changes of the config by dotted key.

    Returns:
        The number of rows in the file, and their width.

    Raises:
        ValueError: ``out`` is no .safetensors, the config stores no
            representations, there are fewer than ``clusters``, or they are
            token ids, which have none.
    """
    if not out.endswith('.safetensors'):
        raise ValueError(f"the file must end in .safetensors, got '{out}'.")
    rows = _rows(run_config(config, work_dir, options), views)
    if clusters is None:
        kept, counts = rows[:], torch.ones(len(rows), dtype=torch.int64)
    else:
        kept, counts = _clusters(rows, clusters, seed)
    os.makedirs(os.path.dirname(out) or '.', exist_ok=True)
    save_atomically(dict(representations=kept, counts=counts), out)
    return kept.shape[0], kept.shape[1]


def _clusters(rows: StoredRows, num: int, seed: int
              ) -> tuple[torch.Tensor, torch.Tensor]:
    """Centroids and sizes of clusters."""
    if not rows[:1].is_floating_point():
        raise ValueError('the representations are token ids, which have no '
                         'mean and so no clusters; store all of them, '
                         'without --clusters.')
    return kmeans(rows, num, seed)


def _rows(cfg: Config, views: int | None) -> StoredRows:
    """What a training would cache: computed if it is not there, mapped."""
    hook = hook_of(cfg)
    if hook.get('names') is None:
        hook['names'] = ['representations']
    elif 'representations' not in hook['names']:
        raise ValueError(
            f'{title_of(cfg)} stores {", ".join(hook["names"])}, and no '
            'representations: give a config whose model has an encoder, such '
            "as the RDM's.")
    cached = caching(cfg, hook if views is None else dict(hook, views=views))
    return cached.folder.open(cached.num_views)['representations']
