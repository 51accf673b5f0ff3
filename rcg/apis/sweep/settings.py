"""Settings of a generator and its RDM, and their combinations."""
import copy
import itertools
from collections.abc import Sequence

from mmengine.runner import Runner

from rcg.engine.unwrapping import bare_model

# Where the scale of the published code (cfg, tau) turns guidance off. Our
# guidance_scale is one more.
PUBLISHED_OFF = 0.


def guidance_scales(published: list[float] | None,
                    ours: list[float] | None) -> list[float] | None:
    """Values of ``guidance_scale``, from either of the two scales in use.

    Args:
        published: On the scale of the paper's tables, which is off at 0.
        ours: On the scale of our configs, which is off at 1.

    Raises:
        ValueError: A value lies below the one that turns guidance off.
    """
    if published is not None:
        if min(published) < PUBLISHED_OFF:
            raise ValueError('--guidance is off at 0 and not negative, got '
                             f'{min(published):g}.')
        return [value + 1 for value in published]
    if ours is not None and min(ours) < 1:
        raise ValueError(
            f'--guidance-scale is off at 1, got {min(ours):g}. The scale of '
            "the paper's tables is off at 0: use --guidance for it.")
    return ours


def combinations(model, wanted: dict[str, Sequence | None]) -> list[dict]:
    """All combinations of the given values, in their order.

    Args:
        model: Has a ``generator`` and may have an ``rdm``. Settings without
            values stay as these have them.
        wanted: Values by the name of the setting; ``rdm_steps`` is the RDM's
            and changes last: each number has representations of its own.

    Raises:
        ValueError: There is nothing to sweep, or generator or RDM cannot.
    """
    given = {name: values for name, values in wanted.items() if values}
    if not given:
        raise ValueError('nothing to sweep: give --guidance, --guidance-scale,'
                         ' --temperature, --steps or --rdm-steps.')
    rdm_steps = _checked(given.pop('rdm_steps', ()),
                         getattr(model, 'rdm', None))
    rows = _of_generator(model.generator, given, [
        name for name in wanted if name != 'rdm_steps'])
    if not rdm_steps:
        return rows
    return [dict(row, rdm_steps=steps) for steps in rdm_steps for row in rows]


def _checked(rdm_steps: Sequence[int], rdm) -> list[int]:
    """The numbers of steps, each once, if the RDM's sampler takes them."""
    # Stored representations take the place of an RDM, and have no steps.
    if rdm_steps and not hasattr(rdm, 'sampler'):
        raise ValueError('this model has no RDM, so --rdm-steps cannot change '
                         'it.')
    for steps in rdm_steps:
        sampler = copy.copy(rdm.sampler)
        sampler.num_steps = steps
        sampler.timesteps(rdm.diffusion.schedule)  # raises
    return list(dict.fromkeys(rdm_steps))


def _of_generator(generator, given: dict[str, Sequence],
                  known: Sequence[str]) -> list[dict]:
    """All combinations of the generator's settings.

    Args:
        generator: The generator.
        given: Values by the name of the setting.
        known: Settings that a row has, as far as the generator has them.

    Raises:
        ValueError: The generator cannot.
    """
    kind = type(generator).__name__
    missing = [name for name in given if not hasattr(generator, name)]
    if missing:
        raise ValueError(f'{kind} has no {" and no ".join(missing)}.')
    scales = given.get('guidance_scale', [1])
    if (generator.condition_kind is None and set(scales) != {1}
            and getattr(generator, 'guide', None) is None):
        raise ValueError(
            f'this {kind} has no condition and no weaker network to guide '
            'it, so guidance cannot change it: sweep --steps.')
    columns = [given.get(name) or [getattr(generator, name)]
               for name in known if hasattr(generator, name)]
    names = [name for name in known if hasattr(generator, name)]
    rows = itertools.product(*(dict.fromkeys(column) for column in columns))
    return [dict(zip(names, row, strict=True)) for row in rows]


def apply(runner: Runner, setting: dict) -> None:
    """Change generator and RDM, and the config that the protocol repeats."""
    for name, value in setting.items():
        if name == 'rdm_steps':
            bare_model(runner).rdm.module.sampler.num_steps = value
            runner.cfg.model.rdm.sampler.num_steps = value
            continue
        setattr(bare_model(runner).generator, name, value)
        cfg = runner.cfg.model.generator
        if name == 'num_steps' and 'sampler' in cfg:
            cfg = cfg.sampler
        cfg[name] = value
