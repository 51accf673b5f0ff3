"""Representations that are drawn once and serve all settings."""
import hashlib
from pathlib import Path

import torch
from torch import Tensor

from rcg.checkpoint import read_checkpoint, save_atomically
from rcg.frozen import Frozen


class RememberingRdm(Frozen):
    """Takes the place of a model's ``rdm``; draws for each image once.

    The streams go on where drawing left them, so an image is the same, bit
    for bit, as if its representation had been drawn anew.

    Args:
        rdm: The model's frozen RDM.
        folder: Where drawn representations are kept, for the next start.
        about: What they depend on, and more: part of the files' names.
        rank: Number of this process: each writes a file of its own and
            reads all.
    """

    def __init__(self, rdm: Frozen, folder: Path, about: dict,
                 rank: int) -> None:
        super().__init__(rdm.module, rdm.checkpoint, rdm.sha256, rdm.run)
        key = hashlib.sha256(str(sorted(about.items())).encode()).hexdigest()
        stem = f'representations_{key[:12]}'
        self.rdm, self.path = rdm, folder / f'{stem}_{rank}.pt'
        self.drawn = {}
        for path in sorted(folder.glob(f'{stem}_*.pt')):
            self.drawn |= read_checkpoint(str(path))
        self._num_saved = len(self.drawn)

    def on(self, device: torch.device) -> 'RememberingRdm':
        self.device = device
        return self

    def sample(self, rng, labels: Tensor | None = None) -> Tensor:
        """(N, D), with labels (N,) for a class-conditional RDM."""
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
        """Write what has been drawn, if that is more than before."""
        if len(self.drawn) > self._num_saved:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            save_atomically(self.drawn, str(self.path))
            self._num_saved = len(self.drawn)
