"""Weights that ``init_cfg`` names are read by our safe reader."""
from mmengine.model.weight_init import PretrainedInit, update_init_info
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from rcg.checkpoint import (
    CheckpointError,
    find_checkpoint,
    read_checkpoint,
    weights_of,
    with_current_names,
)
from rcg.registry import WEIGHT_INITIALIZERS


@WEIGHT_INITIALIZERS.register_module(name='Pretrained')
class SafePretrainedInit(PretrainedInit):
    """MMEngine's 'Pretrained', which executes nothing that is in the file.

    Like MMEngine's, it loads what fits and logs the names of the rest.
    Nothing is downloaded.

    Args:
        checkpoint: File or work folder.
        prefix: What the module's names start with in the file, with or
            without the last dot. Other entries are ignored.
        map_location: MMEngine's; not needed, since weights are copied to
            where the module is.
    """

    def __call__(self, module: nn.Module) -> None:
        """Load the weights.

        Raises:
            FileNotFoundError: There is no such file.
            CheckpointError: None of its weights fits the module.
        """
        path = find_checkpoint(self.checkpoint)
        start = self.prefix.rstrip('.') + '.' if self.prefix else ''
        state = {name.removeprefix(start): value for name, value
                 in weights_of(read_checkpoint(path)).items()
                 if name.startswith(start)}
        own = module.state_dict()
        state = with_current_names(state, own.keys())
        if not any(name in own and own[name].shape == value.shape
                   for name, value in state.items()):
            raise CheckpointError(
                f"init_cfg: no weight in '{path}'"
                f'{f" under {start!r}" if start else ""} fits '
                f'{type(module).__name__}. Its names start like '
                f'{next(iter(own), "nothing")!r}; give the file of this part,'
                ' or its prefix in the file.')
        load_state_dict(module, state, strict=False, logger='current')
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())
