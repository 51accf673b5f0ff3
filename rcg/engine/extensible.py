"""A Runner whose runs can be extended."""
import math

from mmengine.runner import EpochBasedTrainLoop

from rcg.engine import states
from rcg.engine.configs.text import formatted
from rcg.engine.console import log
from rcg.engine.determinism import DeterministicRunner
from rcg.engine.extension import (
    ExtensionLR,
    joined,
    lengthen,
    new_extension,
)
from rcg.engine.length import accumulated_batches
from rcg.engine.optim import single_wrappers
from rcg.engine.schedule import in_iterations
from rcg.engine.unwrapping import bare_model


class ExtensibleRunner(DeterministicRunner):
    """Goes on with a run for longer than its config says.

    ``extensions`` of the config are those of earlier starts; see
    :mod:`~rcg.engine.extension`.

    Attributes:
        extend_by: Iterations by which to extend the run that is resumed;
            epochs if the training loop counts epochs. None: it ends as it
            would. If an extension of that length is under way, it goes on.
    """

    extend_by: int | None = None
    _base_length: int | None = None

    def build_train_loop(self, loop):
        """Build; its length is that of the config with its extensions."""
        built = super().build_train_loop(loop)
        if self._base_length is None:
            self._base_length = built.max_iters
            lengthen(built, self.cfg.get('extensions') or ())
        return built

    def extend(self, run: dict, filename: str) -> list[dict]:
        """Take over the extensions of a checkpoint, and add one if wanted.

        Args:
            run: What the checkpoint keeps of its run.
            filename: The checkpoint.

        Returns:
            Those that the checkpoint does not have.
        """
        loop, saved = self.train_loop, run.get('extensions') or []
        extensions = joined(saved, self.cfg.get('extensions') or (), self.iter,
                            filename)
        added = None
        if self.extend_by is not None:
            added = self._extension(extensions)
        if added is not None:
            extensions.append(added)
        if extensions:
            self.cfg.extensions = extensions
            lengthen(loop, extensions)
            model = bare_model(self)
            # A model that is told the length of the run.
            if getattr(model, 'max_iters', None) == self._base_length:
                model.max_iters = loop.max_iters
            self._config_text = formatted(self.cfg).pretty_text
        self._say(added, loop.max_iters)
        return extensions[len(saved):]

    def _extension(self, extensions: list[dict]) -> dict | None:
        """The extension that is wanted, unless it is under way."""
        loop, length = self.train_loop, self.extend_by
        if isinstance(loop, EpochBasedTrainLoop):
            length *= len(loop.dataloader)
        counts = accumulated_batches(self.optim_wrapper)
        length = math.ceil(length / counts) * counts
        if extensions and self.iter < extensions[-1]['end'] and (
                extensions[-1]['end'] - extensions[-1]['begin'] == length):
            return None
        return new_extension(self.iter, length, self._schedules(),
                             self._base_length)

    def _schedules(self) -> list[dict]:
        """Configs of the schedules of all optimizers, in iterations."""
        found = in_iterations(self.cfg.get('param_scheduler') or [],
                              self._base_length, len(self.train_dataloader))
        if isinstance(found, dict):
            found = [found] if 'type' in found else [
                one for members in found.values() for one in
                (members if isinstance(members, list) else [members])]
        return found

    def _say(self, added: dict | None, end: int) -> None:
        if self.extend_by is not None and added is None:
            log(self, f'an extension to iteration {end:,} is under way and '
                      'goes on; it is not extended again')
        elif added is not None:
            rate = 'the schedule of the config goes on'
            if 'decay' in added:
                rate = (f'learning rate: {added["warmup"]:,} iterations of '
                        f'warm-up to {added["share"]:g} of its highest value, '
                        f'the last {added["decay"]:,} fall to zero')
            log(self, f'extended by {end - added["begin"]:,} iterations, from '
                      f'{added["begin"]:,} to {end:,}; {rate}')
        elif self.iter >= end:
            log(self, f'this run is finished: {self.iter:,} of {end:,} '
                      'iterations. To train it further: --extend N')

    def build_param_scheduler(self, scheduler):
        """Build; the schedules of extensions come last."""
        built = super().build_param_scheduler(scheduler)
        if any(isinstance(one, ExtensionLR) for one in _flat(built)):
            return built
        return self._with(built, self.cfg.get('extensions') or [])

    def resume_schedules(self, saved: list, missing: list[dict]) -> None:
        """Give schedules their states; begin those that have none.

        Args:
            saved: States of the checkpoint.
            missing: Extensions that the checkpoint does not have.
        """
        known = self.cfg.get('extensions') or []
        known = known[:len(known) - len(missing)]
        schedulers = self._with(_of_config(self.param_schedulers), known)
        states.load_schedulers(schedulers, saved)
        before = set(map(id, _flat(schedulers)))
        self.param_schedulers = self._with(schedulers, missing)
        for one in _flat(self.param_schedulers):
            if id(one) not in before:
                one.start_at(self.iter)

    def _with(self, schedulers, extensions: list[dict]):
        """Add the schedules of extensions to built ones.

        Args:
            schedulers: A list, or a dict of lists for several optimizers.
        """
        if not any('decay' in one for one in extensions):
            return schedulers
        wrappers = single_wrappers(self.optim_wrapper)
        if not isinstance(schedulers, dict):
            return [*schedulers, *_built(extensions, wrappers[''])]
        return {name: [*members, *_built(extensions, wrappers[name])]
                for name, members in schedulers.items()}


def _of_config(schedulers):
    """Without those of extensions."""
    if isinstance(schedulers, dict):
        return {name: _of_config(members)
                for name, members in schedulers.items()}
    return [one for one in schedulers if not isinstance(one, ExtensionLR)]


def _built(extensions: list[dict], wrapper) -> list[ExtensionLR]:
    return [ExtensionLR(wrapper, **one) for one in extensions
            if 'decay' in one]


def _flat(schedulers) -> list:
    """The schedulers of one optimizer, or of all of several."""
    if isinstance(schedulers, dict):
        return [one for members in schedulers.values() for one in members]
    return schedulers or []
