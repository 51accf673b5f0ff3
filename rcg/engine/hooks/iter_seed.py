"""Random numbers that do not depend on what was drawn before."""
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook

from rcg.engine.checks import (
    check_classes,
    check_drawn_classes,
    check_metric_names,
)
from rcg.engine.stock_data import check_ends, check_keys, sampler_of
from rcg.registry import HOOKS


@HOOKS.register_module()
class IterSeedHook(Hook):
    """Seeds torch with (seed, iteration, rank) before each iteration.

    Dropout draws from torch's global generator, whose state MMEngine does not
    store. Without this hook a resumed run would repeat the first masks.
    Noise does not depend on it: that comes from the ``rng`` of the batch.

    The hook also tells the sampler which epoch begins. It refuses training
    data whose random numbers would be the same in every epoch, and what
    :mod:`~rcg.engine.checks` knows to be wrong.

    Raises:
        ValueError: An epoch of the training data has no end, or its sampler
            yields plain indices; a hook waits for a score that there is not,
            or the model has another number of classes than the data. Also
            before a test that draws more classes than the model has.
    """

    priority = 'VERY_HIGH'

    _checked = False

    def before_train(self, runner) -> None:
        check_ends(runner.train_loop)
        check_classes(runner)
        check_metric_names(runner)

    def before_test(self, runner) -> None:
        check_drawn_classes(runner, runner.test_dataloader.dataset,
                            'test_dataloader.dataset')

    def before_train_epoch(self, runner) -> None:
        sampler = sampler_of(runner.train_dataloader)
        if hasattr(sampler, 'set_epoch'):
            sampler.set_epoch(runner.epoch)

    def before_train_iter(self, runner, batch_idx: int = 0,
                          data_batch=None) -> None:
        if not self._checked and data_batch is not None:
            check_keys(sampler_of(runner.train_dataloader), data_batch)
            self._checked = True
        seed = (runner.seed * 1_000_003 + runner.iter) * 4_099 + get_rank()
        torch.manual_seed(seed % 2**63)
