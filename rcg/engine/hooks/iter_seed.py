"""Random numbers that do not depend on what was drawn before."""
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook

from rcg.registry import HOOKS


@HOOKS.register_module()
class IterSeedHook(Hook):
    """Seed torch by (seed, iteration, rank) before each iteration.

    Dropout and the like draw from torch's global generator, whose state
    MMEngine does not store: a resumed run would repeat the first masks.
    (Noise comes from the batch's ``rng``.)
    """

    priority = 'VERY_HIGH'

    def before_train_iter(self, runner, *args, **kwargs) -> None:
        seed = (runner.seed * 1_000_003 + runner.iter) * 4_099 + get_rank()
        torch.manual_seed(seed % 2**63)
