"""What other parts of MMEngine want to know about the run."""
from mmengine.hooks import RuntimeInfoHook

from rcg.registry import HOOKS


@HOOKS.register_module()
class LightRuntimeInfoHook(RuntimeInfoHook):
    """MMEngine's hook without a look at the device in every iteration.

    The base class fetches each logged value each time, so that the host
    waits for the device, and keeps up to a million of them per name in every
    checkpoint. Here :class:`~rcg.engine.hooks.ProgressHook` collects them.
    """

    def before_run(self, runner) -> None:
        runner.message_hub.update_info_dict({
            'seed': runner.seed, 'experiment_name': runner.experiment_name})
        self.last_loop_stage = None

    def before_train_iter(self, runner, batch_idx: int,
                          data_batch=None) -> None:
        runner.message_hub.update_info('iter', runner.iter)

    def after_train_iter(self, runner, batch_idx: int, data_batch=None,
                         outputs: dict | None = None) -> None:
        """Nothing: see the class."""
