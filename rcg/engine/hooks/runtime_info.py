"""Where a run is, for whoever asks MMEngine's message hub."""
from mmengine.hooks import RuntimeInfoHook

from rcg.registry import HOOKS


@HOOKS.register_module()
class LightRuntimeInfoHook(RuntimeInfoHook):
    """MMEngine's hook without its record of logged values.

    The base class fetches every value in every iteration, so the host waits
    for the device. Up to a million values per name stay in each checkpoint.
    Here :class:`~rcg.engine.ProgressHook` records means instead.
    """

    def before_run(self, runner) -> None:
        runner.message_hub.update_info_dict({
            'seed': runner.seed, 'experiment_name': runner.experiment_name})
        self.last_loop_stage = None

    def before_train_iter(self, runner, **kwargs) -> None:
        runner.message_hub.update_info('iter', runner.iter)

    def after_train_iter(self, runner, **kwargs) -> None:
        """Record no values; see the class."""
