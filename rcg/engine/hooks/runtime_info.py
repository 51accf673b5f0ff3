"""MMEngine's record of where a run is, without its record of values."""
from mmengine.hooks import RuntimeInfoHook

from rcg.registry import HOOKS


@HOOKS.register_module()
class LightRuntimeInfoHook(RuntimeInfoHook):
    """MMEngine's hook without a look at the device in every iteration.

    The base class fetches each logged value each time: the host waits for
    the device; up to a million per name stay in every checkpoint. Here
    :class:`ProgressHook` collects them.
    """

    def before_run(self, runner) -> None:
        runner.message_hub.update_info_dict({
            'seed': runner.seed, 'experiment_name': runner.experiment_name})
        self.last_loop_stage = None

    def before_train_iter(self, runner, **kwargs) -> None:
        runner.message_hub.update_info('iter', runner.iter)

    def after_train_iter(self, runner, **kwargs) -> None:
        """Nothing: see the class."""
