"""Training on an endless stream of samples."""
from mmengine.dist import get_world_size
from mmengine.runner import BaseLoop, IterBasedTrainLoop

from rcg.engine.console import log
from rcg.engine.length import (
    LENGTHS,
    accumulated_batches,
    count_iterations,
    describe_length,
)
from rcg.engine.unwrapping import bare_model
from rcg.registry import LOOPS


@LOOPS.register_module()
class StreamTrainLoop(IterBasedTrainLoop):
    """Trains on an endless stream; a resumed run reads no past data.

    The sampler starts after the samples that this process has used.
    MMEngine's own loop reads all past batches again and drops them.

    The length is given in iterations, samples or epochs. Samples and epochs
    are those of all processes, so that a config fits any number of processes,
    any batch size and any accumulation:
    ``train_cfg=dict(type='StreamTrainLoop', max_epochs=200)``. The log says
    all of them.

    Args:
        dataloader: Data loader or its config. Its sampler has an attribute
            ``position``, as :class:`~rcg.datasets.StreamSampler` has.
        max_iters: Batches of each process in total. With gradient
            accumulation, several make one step of the optimizer. None: the
            length is given otherwise.
        val_interval: Iterations between validations. The last iteration is
            always followed by one.
        val_begin: First iteration that may be followed by a validation.
        max_samples: Samples of all processes. The last step of the optimizer
            is a whole one and may exceed it.
        max_epochs: Passes over the dataset, of all processes together, such
            as 200 or .5; likewise.

    Raises:
        ValueError: A batch of all processes is larger than the dataset, the
            sampler has no ``position``, or not exactly one length is given.
    """

    needs_position = True

    def __init__(self, runner, dataloader, max_iters: int | None = None,
                 val_interval: int = 1000, val_begin: int = 1,
                 max_samples: int | None = None,
                 max_epochs: float | None = None) -> None:
        # IterBasedTrainLoop.__init__ would start the data workers already.
        BaseLoop.__init__(self, runner, dataloader)
        lengths = max_iters, max_samples, max_epochs
        self._max_iters = count_iterations(
            dict(zip(LENGTHS, lengths, strict=True)), **self._sizes())
        # For MMEngine's hooks the whole training is one epoch.
        self._max_epochs, self._epoch, self._iter = 1, 0, 0
        self.val_interval, self.val_begin = val_interval, val_begin
        self.stop_training = False
        self.runner.visualizer.dataset_meta = getattr(
            self.dataloader.dataset, 'metainfo', None)
        self._check_data()

    def _sizes(self) -> dict[str, int]:
        """What lengths depend on; see ``count_iterations``."""
        return dict(
            batch=self.dataloader.batch_size * get_world_size(),
            dataset_size=len(self.dataloader.dataset),
            accumulated=accumulated_batches(self.runner.optim_wrapper))

    def _check_data(self) -> None:
        wanted = self.dataloader.batch_size * get_world_size()
        available = len(self.dataloader.dataset)
        if wanted > available:
            log(self.runner,
                f'a step has {wanted} samples (batch_size '
                f'{self.dataloader.batch_size} x {get_world_size()} '
                f'processes) and the training dataset {available}: images '
                'repeat within a step, each with random numbers of its own.')
        if not hasattr(self.dataloader.sampler, 'position'):
            raise ValueError(
                'StreamTrainLoop needs a sampler that can start anywhere, '
                f'got {type(self.dataloader.sampler).__name__}; set '
                "train_dataloader.sampler=dict(type='StreamSampler', "
                'seed=0).')

    def run(self):
        """Train; return the model."""
        log(self.runner, describe_length(self._max_iters, **self._sizes()))
        model = bare_model(self.runner)
        if hasattr(model, 'check_length'):  # it may need some iterations
            model.check_length(self._max_iters)
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
