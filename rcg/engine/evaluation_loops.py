"""MMEngine's loops of validation and testing, with batches that fit."""
import torch
from mmengine import runner as stock
from mmengine.runner.amp import autocast
from mmengine.runner.loops import _update_losses

from rcg.engine.ahead import ROWS, ahead_of_batches, completed
from rcg.engine.halving import Halving
from rcg.registry import LOOPS


@LOOPS.register_module()
class ValLoop(stock.ValLoop):
    """MMEngine's; it halves batches that need too much memory.

    See :class:`~rcg.engine.halving.Halving`.

    Args:
        ahead: Representations are drawn for so many images at a time, or
            more, if batches are smaller; 0: with each batch. The images are
            the same. See :class:`~rcg.engine.ahead.Ahead`.
    """

    def __init__(self, *args, ahead: int = ROWS, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.halving = Halving('validation')
        self.least_ahead, self.ahead = ahead, None

    def run(self) -> dict:
        """Predict all batches; return the metrics."""
        self.ahead = ahead_of_batches(self.runner, self.dataloader,
                                      self.least_ahead)
        return super().run()

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch) -> None:
        """Predict one batch, and give the result to the metrics."""
        hook = self.runner.call_hook
        hook('before_val_iter', batch_idx=idx, data_batch=data_batch)
        with autocast(enabled=self.fp16):
            outputs = self.halving(self.runner.model.val_step,
                                   completed(data_batch, self.ahead))
        outputs, self.val_loss = _update_losses(outputs, self.val_loss)
        self.evaluator.process(data_samples=outputs, data_batch=data_batch)
        hook('after_val_iter', batch_idx=idx, data_batch=data_batch,
             outputs=outputs)


@LOOPS.register_module()
class TestLoop(stock.TestLoop):
    """MMEngine's; it halves batches that need too much memory.

    See :class:`~rcg.engine.halving.Halving`.

    Args:
        ahead: Representations are drawn for so many images at a time, or
            more, if batches are smaller; 0: with each batch. The images are
            the same. See :class:`~rcg.engine.ahead.Ahead`.
    """

    __test__ = False  # no test of pytest's

    def __init__(self, *args, ahead: int = ROWS, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.halving = Halving('the test')
        self.least_ahead, self.ahead = ahead, None

    def run(self) -> dict:
        """Predict all batches; return the metrics."""
        self.ahead = ahead_of_batches(self.runner, self.dataloader,
                                      self.least_ahead)
        return super().run()

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch) -> None:
        """Predict one batch, and give the result to the metrics."""
        hook = self.runner.call_hook
        hook('before_test_iter', batch_idx=idx, data_batch=data_batch)
        with autocast(enabled=self.fp16):
            outputs = self.halving(self.runner.model.test_step,
                                   completed(data_batch, self.ahead))
        outputs, self.test_loss = _update_losses(outputs, self.test_loss)
        self.evaluator.process(data_samples=outputs, data_batch=data_batch)
        hook('after_test_iter', batch_idx=idx, data_batch=data_batch,
             outputs=outputs)
