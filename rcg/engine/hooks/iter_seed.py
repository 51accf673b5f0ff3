"""Random numbers that do not depend on what was drawn before."""
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook

from rcg.registry import HOOKS


@HOOKS.register_module()
class IterSeedHook(Hook):
    """Seeds torch with (seed, iteration, rank) before each iteration.

    Dropout draws from torch's global generator, whose state MMEngine does not
    store. Without this hook a resumed run would repeat the first masks.
    Noise does not depend on it: that comes from the ``rng`` of the batch.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(self, runner, *args, **kwargs) -> None:
        seed = (runner.seed * 1_000_003 + runner.iter) * 4_099 + get_rank()
        torch.manual_seed(seed % 2**63)
