"""Representations that are drawn once and used for many images."""
import hashlib
import logging
from pathlib import Path

import torch
from mmengine.logging import print_log
from torch import Tensor

from rcg.checkpoint import CheckpointError, read_checkpoint, save_atomically
from rcg.frozen import Frozen
from rcg.rng import SampleRng


class CachedRDM(Frozen):
    """Stands in for the ``rdm`` of a model and draws for each image once.

    The random streams go on where the drawing left them. So an image is the
    same, to the bit, as if its representation had been drawn anew.

    Args:
        rdm: The frozen RDM of the model.
        folder: Folder that keeps the representations for the next start;
            None: they are kept in memory alone.
        about: What they depend on. Its hash is part of the names of files.
        rank: Number of this process. Each writes a file of its own and reads
            those of all.
    """

    def __init__(self, rdm: Frozen, folder: Path | None = None,
                 about: dict[str, str] | None = None, rank: int = 0) -> None:
        super().__init__(rdm.module, rdm.checkpoint, rdm.sha256, rdm.run)
        self.rdm, self.path = rdm, None
        self.drawn = {}
        if folder is not None:
            key = hashlib.sha256(str(sorted(about.items())).encode())
            stem = f'representations_{key.hexdigest()[:12]}'
            self.path = folder / f'{stem}_{rank}.pt'
            for path in sorted(folder.glob(f'{stem}_*.pt')):
                self.drawn |= _read(path)
        self._num_saved = len(self.drawn)

    def on(self, device: torch.device) -> 'CachedRDM':
        self.device = device
        return self

    def sample(self, rng: SampleRng,
               labels: Tensor | None = None) -> Tensor:
        """Draw representations, or return those of the same streams.

        Args:
            rng: N random streams.
            labels: (N,), for a class-conditional RDM.

        Returns:
            (N, D).
        """
        key = rng.keys if labels is None else torch.cat(
            [rng.keys, labels[:, None]], 1)
        key = key.cpu().numpy().tobytes().hex()
        if key not in self.drawn:
            drawn = self.rdm.on(self.device).sample(rng, labels)
            self.drawn[key] = dict(representations=drawn.cpu(),
                                   num_draws=rng.num_draws)
        rng.num_draws = self.drawn[key]['num_draws']
        return self.drawn[key]['representations'].to(self.device)

    def save(self) -> None:
        """Write all representations if there are new ones and a folder."""
        if self.path is not None and len(self.drawn) > self._num_saved:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            save_atomically(self.drawn, str(self.path))
            self._num_saved = len(self.drawn)


def _read(path: Path) -> dict[str, dict]:
    """What was drawn earlier; nothing if the file is damaged."""
    try:
        drawn = read_checkpoint(str(path))
        if all(isinstance(one, dict) and {'representations', 'num_draws'}
               <= one.keys() for one in drawn.values()):
            return drawn
        reason = 'it holds something else'
    except (CheckpointError, OSError) as error:
        reason = type(error).__name__
    print_log(f"The representations '{path}' are damaged ({reason}): they "
              'are drawn again', logger='current', level=logging.WARNING)
    return {}
