"""Pretrained parts that a model uses and never trains."""
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from rcg.checkpoint import (
    MissingCheckpointError,
    find_checkpoint,
    load_weights,
)
from rcg.precision import no_autocast
from rcg.registry import Registry, has_init_cfg, is_pretrained


class Frozen:
    """Holds a module outside the module tree of the model that uses it.

    It is no ``nn.Module``. Optimizers, DDP, EMA, checkpoints,
    ``init_weights()`` and ``train()`` therefore never see the part. Copies of
    the model share it. The model is a :class:`HasFrozenParts`.

    An attribute that this class lacks is looked up in the module.

    Args:
        module: The part. It is put in eval mode, its gradients are off. Its
            ``init_cfg``, if any, is carried out now: the Runner never sees
            it.
        checkpoint: File or work folder that its weights came from, if any.
        sha256: Hash of that file; None if there is no file.
        run: What that file keeps of the training run that wrote it; see
            :class:`rcg.checkpoint.LoadedWeights`.
    """

    def __init__(self, module: nn.Module, checkpoint: str | None = None,
                 sha256: str | None = None, run: dict | None = None) -> None:
        if checkpoint is None and has_init_cfg(module):
            module.init_weights()
        self._module = module.eval().requires_grad_(False)
        self._device = None
        self.checkpoint, self.run = checkpoint, run or {}
        self._sha256, self._loaded = sha256, None

    @classmethod
    def build(cls, registry: Registry, cfg: dict | None) -> 'Frozen | None':
        """Build a part and load its weights.

        Args:
            registry: The registry of the part's role.
            cfg: Config of the part, with two optional entries of ours.
                ``checkpoint`` is a file or work folder; without it the part
                keeps its initial weights. ``prefix`` is that of the part's
                weights in that file. An ``init_cfg`` of type 'Pretrained'
                is another way to write the two. None builds nothing.

        Raises:
            FileNotFoundError: There is no such checkpoint.
            CheckpointError: The weights are not those of this part.
        """
        if cfg is None:
            return None
        cfg = with_checkpoint(cfg)
        checkpoint, prefix = cfg.pop('checkpoint', None), cfg.pop('prefix', '')
        if checkpoint is None:
            return cls(registry.build(cfg))
        # A wrong path fails here, before a large part is built.
        checkpoint = _find(checkpoint, registry.class_of(cfg))
        module = registry.build(cfg)
        loaded = load_weights(module, checkpoint, prefix)
        part = cls(module, checkpoint, run=loaded.run)
        part._loaded = loaded
        return part

    @property
    def sha256(self) -> str | None:
        """Hash of the file of the weights, computed at first use.

        Raises:
            CheckpointError: See :class:`rcg.checkpoint.LoadedWeights`.
        """
        if self._sha256 is None and self._loaded is not None:
            self._sha256 = self._loaded.sha256
        return self._sha256

    @sha256.setter
    def sha256(self, value: str | None) -> None:
        self._sha256 = value

    @property
    def module(self) -> nn.Module:
        """The module, wherever it is."""
        return self._module

    def on(self, device: torch.device) -> nn.Module:
        """The module, on ``device`` (moved there once).

        It runs in the autocast of its caller, as the guide of a generator
        does. For what is to be the same in every run use
        :meth:`in_float32`.
        """
        if device != self._device:
            self._module, self._device = self._module.to(device), device
        return self._module

    @contextmanager
    def in_float32(self, device: torch.device) -> Iterator[nn.Module]:
        """The module on ``device``, in a context without autocast.

        What a frozen part computes may be cached and may be drawn by one
        program for another. It must not depend on the precision that the
        model around it runs in. On a GPU, float32 is what
        :func:`~rcg.precision.set_float32` has set.
        """
        with no_autocast(device):
            yield self.on(device)

    def __getattr__(self, name: str):
        # Python looks for its own methods (__deepcopy__, __setstate__) before
        # __init__ has run: there is no module yet.
        if name.startswith('_'):
            raise AttributeError(name)
        return getattr(self._module, name)

    def __deepcopy__(self, memo: dict) -> 'Frozen':
        return self


def _find(checkpoint: str, cls: type) -> str:
    """Find a file; if it is missing, name the command of ``cls.made_by``.

    Other files are trained by a stage or downloaded.
    """
    try:
        return find_checkpoint(checkpoint)
    except MissingCheckpointError as error:
        command = getattr(cls, 'made_by', None)
        if command is None:
            raise
        raise MissingCheckpointError(
            f"There is no file '{error.path}': make it with {command}; the "
            'config that names it says how.', error.path) from error


def with_checkpoint(cfg: dict) -> dict:
    """Copy a part's config; a 'Pretrained' becomes its ``checkpoint``.

    A checkpoint must fit the part, and its hash is recorded.
    """
    cfg = dict(cfg)
    init_cfg = cfg.get('init_cfg')
    if isinstance(init_cfg, dict) and is_pretrained(init_cfg):
        del cfg['init_cfg']
        if cfg.get('checkpoint') is None:
            cfg.update({name: init_cfg[name]
                        for name in ('checkpoint', 'prefix')
                        if init_cfg.get(name)})
    return cfg


class HasFrozenParts:
    """Mixin for modules that hold :class:`Frozen` parts.

    ``nn.Module`` registers a parameter when it is assigned; this class
    registers a part likewise. Checkpoints, protocols and caches do not see
    the parts of a class without this mixin. Name the mixin first:
    ``class Model(HasFrozenParts, nn.Module)``.
    """

    def __setattr__(self, name: str, value) -> None:
        self.register_frozen_part(
            name, value if isinstance(value, Frozen) else None)
        super().__setattr__(name, value)

    def register_frozen_part(self, name: str, part: Frozen | None) -> None:
        """Register a part that is not assigned to an attribute of its own.

        Args:
            name: Its name in checkpoints and protocols, after the path of
                this module.
            part: Takes the place of one of that name. None removes it.
        """
        # Not through __setattr__: nn.Module.__init__ may not have run yet.
        parts = self.__dict__.setdefault('_frozen_parts', {})
        if part is not None:
            parts[name] = part
        else:
            parts.pop(name, None)

    @property
    def own_frozen_parts(self) -> dict[str, Frozen]:
        """Parts of this module by name, without those of its children."""
        return dict(self.__dict__.get('_frozen_parts', {}))
