"""MMEngine's loops of validation and testing, with batches that fit."""
import torch
from mmengine import runner as stock
from mmengine.runner.amp import autocast
from mmengine.runner.loops import _update_losses

from rcg.engine.halving import Halving
from rcg.registry import LOOPS


@LOOPS.register_module()
class ValLoop(stock.ValLoop):
    """MMEngine's; it halves batches that need too much memory.

    See :class:`~rcg.engine.halving.Halving`.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.halving = Halving('validation')

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch) -> None:
        """Predict one batch, and give the result to the metrics."""
        hook = self.runner.call_hook
        hook('before_val_iter', batch_idx=idx, data_batch=data_batch)
        with autocast(enabled=self.fp16):
            outputs = self.halving(self.runner.model.val_step, data_batch)
        outputs, self.val_loss = _update_losses(outputs, self.val_loss)
        self.evaluator.process(data_samples=outputs, data_batch=data_batch)
        hook('after_val_iter', batch_idx=idx, data_batch=data_batch,
             outputs=outputs)


@LOOPS.register_module()
class TestLoop(stock.TestLoop):
    """MMEngine's; it halves batches that need too much memory.

    See :class:`~rcg.engine.halving.Halving`.
    """

    __test__ = False  # no test of pytest's

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.halving = Halving('the test')

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch) -> None:
        """Predict one batch, and give the result to the metrics."""
        hook = self.runner.call_hook
        hook('before_test_iter', batch_idx=idx, data_batch=data_batch)
        with autocast(enabled=self.fp16):
            outputs = self.halving(self.runner.model.test_step, data_batch)
        outputs, self.test_loss = _update_losses(outputs, self.test_loss)
        self.evaluator.process(data_samples=outputs, data_batch=data_batch)
        hook('after_test_iter', batch_idx=idx, data_batch=data_batch,
             outputs=outputs)
