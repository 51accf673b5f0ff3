"""Training on an endless stream of samples."""
from mmengine.dist import get_world_size
from mmengine.runner import BaseLoop, IterBasedTrainLoop

from rcg.registry import LOOPS


@LOOPS.register_module()
class StreamTrainLoop(IterBasedTrainLoop):
    """Trains for ``max_iters`` iterations; a resumed run reads no past data.

    The sampler starts after the samples that this process has used.
    MMEngine's own loop reads all past batches again and drops them.

    Args:
        dataloader: Data loader or its config. Its sampler has an attribute
            ``position``, as :class:`~rcg.datasets.StreamSampler` has.
        max_iters: Batches of each process in total. With gradient
            accumulation, several make one step of the optimizer.
        val_interval: Iterations between validations. The last iteration is
            always followed by one.
        val_begin: First iteration that may be followed by a validation.

    Raises:
        ValueError: A batch of all processes is larger than the dataset, or
            the sampler has no ``position``.
    """

    needs_position = True

    def __init__(self, runner, dataloader, max_iters: int,
                 val_interval: int = 1000, val_begin: int = 1) -> None:
        # IterBasedTrainLoop.__init__ would start the data workers already.
        BaseLoop.__init__(self, runner, dataloader)
        self._max_iters, self._max_epochs = int(max_iters), 1
        self._epoch = self._iter = 0
        self.val_interval, self.val_begin = val_interval, val_begin
        self.stop_training = False
        self.runner.visualizer.dataset_meta = getattr(
            self.dataloader.dataset, 'metainfo', None)
        wanted = self.dataloader.batch_size * get_world_size()
        available = len(self.dataloader.dataset)
        if wanted > available:
            raise ValueError(
                f'a step needs {wanted} samples (batch_size '
                f'{self.dataloader.batch_size} x {get_world_size()} '
                f'processes), the training dataset has {available}; lower '
                'train_dataloader.batch_size or add images.')
        if not hasattr(self.dataloader.sampler, 'position'):
            raise ValueError(
                'StreamTrainLoop needs a sampler that can start anywhere, '
                f'got {type(self.dataloader.sampler).__name__}; set '
                "train_dataloader.sampler=dict(type='StreamSampler', "
                'seed=0).')

    def run(self):
        """Train; return the model."""
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        # The data workers start here: the hooks' before_train may have
        # changed the dataset, and resuming the position.
        self.dataloader.sampler.position = (
            self._iter * self.dataloader.batch_size)
        batches = iter(self.dataloader)
        self.runner.model.train()
        while self._iter < self._max_iters and not self.stop_training:
            self.run_iter(next(batches))
            if (self.runner.val_loop is not None
                    and self._iter >= self.val_begin
                    and (self._iter % self.val_interval == 0
                         or self._iter == self._max_iters)):
                self.runner.val_loop.run()
                self.runner.model.train()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model
