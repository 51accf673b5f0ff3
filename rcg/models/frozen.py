"""A pretrained part that is used and never trained."""
import torch
from torch import nn

from rcg.checkpoint import find_checkpoint, load_weights
from rcg.registry import Registry


class Frozen:
    """Holds a module outside the module tree of the model that uses it.

    It is no ``nn.Module``, so optimisers, DDP, EMA, checkpoints,
    ``init_weights()`` and ``train()`` never see it. Copies share it.

    Args:
        module: The part; put in eval mode, gradients off.
        checkpoint: File or work folder that its weights came from, if any.
        sha256: Hash of that file.
        run: What that file keeps of the training run that wrote it; see
            :class:`rcg.checkpoint.LoadedWeights`.
    """

    def __init__(self, module: nn.Module, checkpoint: str | None = None,
                 sha256: str | None = None, run: dict | None = None) -> None:
        self._module = module.eval().requires_grad_(False)
        self._device = None
        self.checkpoint, self.sha256 = checkpoint, sha256
        self.run = run or {}

    @classmethod
    def build(cls, registry: Registry, cfg: dict | None) -> 'Frozen | None':
        """Build a part and load its weights.

        Args:
            registry: The registry of the part's role.
            cfg: Of the part, plus ``checkpoint`` (file or work folder; without
                one, it keeps its initial weights) and the ``prefix`` of its
                weights in there, if any. None builds nothing.

        Raises:
            FileNotFoundError: There is no such checkpoint.
            CheckpointError: The weights are not those of this part.
        """
        if cfg is None:
            return None
        cfg = dict(cfg)
        checkpoint, prefix = cfg.pop('checkpoint', None), cfg.pop('prefix', '')
        if checkpoint is None:
            return cls(registry.build(cfg))
        # Found before a large part is built for nothing.
        checkpoint = find_checkpoint(checkpoint)
        module = registry.build(cfg)
        loaded = load_weights(module, checkpoint, prefix)
        return cls(module, checkpoint, loaded.sha256, loaded.run)

    def on(self, device: torch.device) -> nn.Module:
        """The module, on ``device`` (moved there once)."""
        if device != self._device:
            self._module, self._device = self._module.to(device), device
        return self._module

    def __getattr__(self, name: str):
        if name.startswith('_'):  # not yet initialised, or a dunder probe
            raise AttributeError(name)
        return getattr(self._module, name)

    def __deepcopy__(self, memo: dict) -> 'Frozen':
        return self
