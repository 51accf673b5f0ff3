"""MMEngine's Runner: exact resuming, plain checkpoints, a quiet console."""
import os
import platform
import time

import mmengine
import torch
from mmengine.dist import get_world_size, is_main_process, master_only
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn

import rcg
import rcg.checkpoint as files
from rcg.engine import resume, states
from rcg.engine.compiling import compile_networks
from rcg.engine.configs.text import formatted, write_config
from rcg.engine.console import log, quiet_console
from rcg.engine.data_loading import keep_out, watched
from rcg.engine.devices import shown_gpus_without_use
from rcg.engine.distributed import local_rank_of_shown_gpu, start_processes
from rcg.engine.folder_lock import FolderLock, alone_in_work_folder
from rcg.engine.frozen_parts import describe_parts
from rcg.engine.newest import read_newest
from rcg.engine.saving import (
    fitting_weights,
    read_checkpoint_for,
    share_of,
    write_checkpoint,
)
from rcg.engine.schedule import check_counts, in_iterations, resolve_lr
from rcg.engine.shards import whole
from rcg.engine.stock_data import with_own_keys, with_possible_workers
from rcg.engine.unwrapping import bare_model, is_sharded
from rcg.engine.wrapping_runner import WrappingRunner
from rcg.precision import set_float32
from rcg.registry import RUNNERS


@RUNNERS.register_module()
class RcgRunner(WrappingRunner):
    """MMEngine's Runner, with these differences.

    * Several processes work without a GPU, through gloo; they may divide the
      model among them.
    * The console shows progress and warnings; the log file has everything.
    * ``base_lr`` becomes the learning rate of the effective batch.
    * Checkpoints hold tensors and built-in types only.
    * Resuming refuses another config, data set size or frozen part.
    * A run can be extended.

    Attributes:
        loaded_from: File that the weights were loaded from, or None.
    """

    loaded_from: str | None = None
    _lock: FolderLock | None = None
    _names_in_use: set[str] = set()

    def setup_env(self, env_cfg: dict) -> None:
        """Start processes, set precision; choose a name for the log folder."""
        set_float32(env_cfg.get('float32', 'high'))
        if self.distributed:
            start_processes(self.launcher, **env_cfg.get('dist_cfg', {}))
        super().setup_env(env_cfg)
        # MMEngine finds its globals (message hub, visualizer) by this name.
        # Two Runners of one process would share them if they shared it.
        stamp, count = self._timestamp, 1
        while self._timestamp in self._names_in_use:
            count += 1
            self._timestamp = f'{stamp}_{count}'
        self._names_in_use.add(self._timestamp)

    def build_logger(self, log_level: str = 'INFO', **kwargs):
        """Build; see :func:`~rcg.engine.console.quiet_console`."""
        with local_rank_of_shown_gpu():
            logger = super().build_logger(log_level=log_level, **kwargs)
        quiet_console(logger, log_level)
        return logger

    def _log_env(self, env_cfg: dict) -> None:
        device = (torch.cuda.get_device_name() if torch.cuda.is_available()
                  else f'CPU, {torch.get_num_threads()} threads')
        self.logger.info(
            f'rcg {rcg.__version__}, torch {torch.__version__}, mmengine '
            f'{mmengine.__version__}, Python {platform.python_version()}; '
            f'{get_world_size()} processes on {platform.node()}, {device}; '
            f'seed {self.seed}; environment {env_cfg}')
        if warning := shown_gpus_without_use():
            self.logger.warning(warning)
        self._config_text = formatted(self.cfg).pretty_text
        self.logger.info(f'Config:\n{self._config_text}')

    @master_only
    def dump_config(self) -> None:
        """Write the config; see :func:`~rcg.engine.configs.text.write`."""
        write_config(self)

    def _maybe_compile(self, target: str) -> None:
        """Compile the networks, and not whole steps as MMEngine does.

        Args:
            target: MMEngine's; ignored.
        """
        compile_networks(self)

    @staticmethod
    def build_dataloader(dataloader, seed=None, diff_rank_seed=False):
        """Build, with no more workers than this process has cores."""
        return watched(Runner.build_dataloader(
            with_possible_workers(dataloader), seed, diff_rank_seed))

    def build_train_loop(self, loop):
        """Build; see :func:`~rcg.engine.stock_data.with_own_keys`.

        Pictures in the work folder do not become images of the dataset.
        """
        self._train_dataloader = with_own_keys(self._train_dataloader, loop)
        loop = super().build_train_loop(loop)
        if is_main_process():
            keep_out(self.work_dir, loop.dataloader.dataset)
        return loop

    def build_optim_wrapper(self, optim_wrapper):
        """Build; turn ``base_lr`` into ``lr`` and log how."""
        if isinstance(optim_wrapper, dict):
            for line in resolve_lr(optim_wrapper,
                                   self.train_dataloader.batch_size,
                                   get_world_size()):
                log(self, line)
        return super().build_optim_wrapper(optim_wrapper)

    def build_param_scheduler(self, scheduler):
        """Build; see :func:`~rcg.engine.schedule.in_iterations`."""
        loop = self.train_loop  # building it tells the length
        scheduler = in_iterations(scheduler, self._base_length,
                                  len(self.train_dataloader))
        if not isinstance(loop, EpochBasedTrainLoop):
            check_counts(scheduler)
        return super().build_param_scheduler(scheduler)

    def train(self) -> nn.Module:
        """Train, as the only run in the work folder.

        Raises:
            FolderInUseError: Another run trains there.
        """
        with alone_in_work_folder(self) as self._lock:
            return super().train()

    def load_or_resume(self) -> None:
        """Load ``load_from``, or resume from it or from the work folder.

        From a folder the newest intact checkpoint is taken; see
        :func:`~rcg.engine.newest.read_newest`. A file that is named must be
        intact. A run that is refused leaves the config of the work folder as
        it is.
        """
        if not self._has_loaded:
            self._load_or_resume()
        if self._lock is not None:  # for training
            self.dump_config()

    def _load_or_resume(self) -> None:
        path = self._load_from
        if not self._resume:
            if path is not None:
                self.load_checkpoint(path)
        elif path is None or os.path.isdir(os.path.expanduser(path)):
            self._resume_newest(os.path.expanduser(path or self.work_dir))
        else:
            self.resume(path)

    def _resume_newest(self, folder: str) -> None:
        found = read_newest(
            folder, lambda path: read_checkpoint_for(bare_model(self), path),
            self.logger.warning)
        if found is not None:
            self.resume(found[0], checkpoint=found[1])
        elif self._load_from is not None or self.extend_by is not None:
            files.find_checkpoint(folder)  # says that there is none
        else:
            log(self, f'nothing to resume in {folder}: starting from the '
                      'beginning')
            self._resume = False

    def load_checkpoint(self, filename: str, map_location='cpu',
                        strict: bool | None = None, revise_keys=(),
                        checkpoint: dict | None = None) -> dict:
        """Load weights to where the model is; return the whole checkpoint.

        Args:
            filename: File or work folder. DDP's 'module.' before names is
                removed.
            strict: Refuse weights that do not fit exactly. If False, what
                fits is loaded, and a warning names the rest. None: strict
                when resuming.
            map_location, revise_keys: MMEngine's; ignored.
            checkpoint: What the file holds, if it has been read.

        Raises:
            CheckpointError: The weights do not fit; if not strict, none does.
        """
        if checkpoint is None:
            filename = files.find_checkpoint(filename)
            checkpoint = read_checkpoint_for(bare_model(self), filename)
        if self._resume:
            resume.check_resumable(self, checkpoint, self._run(), filename)
        state = fitting_weights(
            self, checkpoint['state_dict'], filename,
            self._resume if strict is None else strict)
        # A hook may exchange the weights in place.
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        self._load_weights(state)
        self._has_loaded, self.loaded_from = True, filename
        log(self, f'loaded {filename}' if self._resume else
            f'loaded {share_of(bare_model(self), state)} from {filename}')
        return checkpoint

    def resume(self, filename: str, resume_optimizer: bool = True,
               resume_param_scheduler: bool = True, map_location='default',
               checkpoint: dict | None = None) -> None:
        """Go on with a run: its weights, averages, optimizer, schedules, logs.

        Args:
            checkpoint: What the file holds, if it has been read.

        Raises:
            CheckpointError: The file is not a training checkpoint of a run
                with this config, these data and these frozen parts.
        """
        self._resume = True
        checkpoint = self.load_checkpoint(filename, checkpoint=checkpoint)
        self.train_loop._epoch = checkpoint['meta'].get('epoch', 0)
        self.train_loop._iter = checkpoint['meta']['iter']
        missing = self.extend(checkpoint['meta'].get('run', {}), filename)
        self.message_hub.load_state_dict(
            states.with_histories(checkpoint['message_hub']))
        if resume_optimizer:
            self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
            self._load_optimizer(checkpoint['optimizer'])
        if resume_param_scheduler and self.param_schedulers:
            self.param_schedulers = self.build_param_scheduler(
                self.param_schedulers)
            self.resume_schedules(checkpoint['param_schedulers'], missing)
        log(self, f'resumed at iteration {self.iter}')

    def _run(self) -> dict:
        return resume.describe_run(self.cfg, self.train_dataloader,
                                   describe_parts(bare_model(self)))

    def save_checkpoint(self, out_dir: str, filename: str,
                        file_client_args: dict | None = None,
                        save_optimizer: bool = True,
                        save_param_scheduler: bool = True,
                        meta: dict | None = None, by_epoch: bool = True,
                        backend_args: dict | None = None) -> None:
        """Write a checkpoint of tensors and built-in types.

        The arguments are MMEngine's; see also
        :func:`~rcg.engine.saving.write_checkpoint`.

        Args:
            by_epoch: It is the end of an epoch, which MMEngine counts later:
                the default of ``meta`` is (epoch + 1, iter), otherwise (epoch,
                iter + 1).

        The first process writes; the others give their shards of the model,
        if it is divided.
        """
        if not (is_main_process() or is_sharded(self.model)):
            return
        counts = (dict(epoch=self.epoch + 1, iter=self.iter) if by_epoch
                  else dict(epoch=self.epoch, iter=self.iter + 1))
        meta = {**counts, **(meta or {})}
        meta.update(
            cfg=self._config_text, run=self._run(), seed=self.seed,
            experiment_name=self.experiment_name,
            time=time.strftime('%Y%m%d_%H%M%S'), rcg_version=rcg.__version__)
        checkpoint = dict(meta=meta, message_hub=self.message_hub.state_dict(),
                          state_dict=dict(bare_model(self).state_dict()))
        if save_optimizer:
            checkpoint['optimizer'] = self.optim_wrapper.state_dict()
        if save_param_scheduler and self.param_schedulers:
            checkpoint['param_schedulers'] = states.scheduler_states(
                self.param_schedulers)
        checkpoint = whole(checkpoint)
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        if is_main_process():
            self._write(checkpoint, out_dir, filename, file_client_args,
                        backend_args)

    def _write(self, *args) -> None:
        if self._lock is not None:
            self._lock.check()
        write_checkpoint(*args)
