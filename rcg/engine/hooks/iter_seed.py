"""Randomness inside layers that repeats after resuming."""
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook

from rcg.registry import HOOKS


@HOOKS.register_module()
class IterSeedHook(Hook):
    """Seed torch by (seed, iteration, rank) before each iteration.

    Only dropout and the like draw from torch's global generator here (noise
    comes from the batch's ``rng``). MMEngine stores no generator state, so
    without this hook a resumed run would repeat the first masks.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(self, runner, batch_idx: int,
                          data_batch=None) -> None:
        seed = (runner.seed * 1_000_003 + runner.iter) * 4_099 + get_rank()
        torch.manual_seed(seed % 2**63)
