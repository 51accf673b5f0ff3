"""FSDP2 for the Runner: each process holds a shard of what is trained."""
from collections.abc import Iterator

import torch
from mmengine.dist import get_world_size
from torch import nn

from rcg.registry import MODEL_WRAPPERS


def blocks_of(module: nn.Module) -> Iterator[nn.Module]:
    """The blocks of a model: items of lists of modules of one class.

    They are the units whose weights are gathered together, as the blocks of a
    transformer are. A list of lists is no list of blocks.
    """
    for part in module.modules():
        if isinstance(part, nn.ModuleList) and len(part) > 1:
            kinds = {type(block) for block in part}
            kind = kinds.pop()
            if not kinds and not issubclass(kind, (nn.ModuleList,
                                                   nn.ModuleDict)):
                yield from (block for block in part
                            if any(True for _ in block.parameters()))


@MODEL_WRAPPERS.register_module()
class ShardedModel(nn.Module):
    """Wraps a model by torch's ``fully_shard`` (FSDP2, arXiv:2304.11277).

    Weights, gradients, optimizer states and averages are divided among the
    processes. In training the weights of a block are gathered when it is
    called, and given up behind it. In evaluation mode all are gathered once,
    so that processes may draw images as many times as they like.

    Frozen parts are no modules of the model, so each process has all of them.
    Names and checkpoints are those of the model itself: :class:`RcgRunner
    <rcg.engine.runner.RcgRunner>` writes whole tensors, and loads them into
    any number of processes, sharded or not.

    Only batch norm over several processes, more than one optimizer, and
    samples drawn by one process in training (``SampleGridHook``) do not work.

    In a config: ``model_wrapper_cfg = dict(type='ShardedModel')``. With one
    process the Runner wraps nothing.

    Args:
        module: The model, whole, with its initial weights, on its device.
        reshard_after_forward: Give up the weights of a block after the
            forward pass, and gather them again for the backward pass. If
            not, they take memory between the two.
    """
    # Its weights cannot be set as a whole any more.
    wants_first_weights = True

    def __init__(self, module: nn.Module,
                 reshard_after_forward: bool = True) -> None:
        super().__init__()
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard
        device = next(module.parameters()).device.type
        mesh = init_device_mesh(device, (get_world_size(), ))
        self.reshard_after_forward = reshard_after_forward
        self._blocks = list(dict.fromkeys(blocks_of(module)))
        for block in self._blocks:
            fully_shard(block, mesh=mesh,
                        reshard_after_forward=reshard_after_forward)
        # What is called first is needed until the last: it stays whole.
        self.module = fully_shard(module, mesh=mesh,
                                  reshard_after_forward=False)
        self._whole = False

    def train(self, mode: bool = True) -> 'ShardedModel':
        """Set the mode; gather all weights for evaluation."""
        super().train(mode)
        if mode == self._whole:
            for part in [*self._blocks, self.module]:
                part.set_reshard_after_forward(
                    mode and self.reshard_after_forward
                    and part is not self.module, recurse=False)
                if mode:
                    part.reshard()
                else:
                    part.unshard()
            self._whole = not mode
        return self

    def forward(self, *args, **kwargs):
        """Call the model."""
        return self.module(*args, **kwargs)

    def train_step(self, data, optim_wrapper) -> dict[str, torch.Tensor]:
        """As of the model, which calls itself."""
        return self.module.train_step(data, optim_wrapper)

    def val_step(self, data):
        """As of the model."""
        return self.module.val_step(data)

    def test_step(self, data):
        """As of the model."""
        return self.module.test_step(data)
