"""Settings of a generator, and their combinations."""
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


def combinations(generator, wanted: dict[str, Sequence | None]
                 ) -> list[dict]:
    """All combinations of the given values, in their order.

    Args:
        generator: The generator. Settings without values stay as it has
            them.
        wanted: Values by the name of the setting.

    Raises:
        ValueError: There is nothing to sweep, or the generator cannot.
    """
    given = {name: values for name, values in wanted.items() if values}
    if not given:
        raise ValueError('nothing to sweep: give --guidance, '
                         '--guidance-scale, --temperature or --steps.')
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
               for name in wanted if hasattr(generator, name)]
    names = [name for name in wanted if hasattr(generator, name)]
    rows = itertools.product(*(dict.fromkeys(column) for column in columns))
    return [dict(zip(names, row, strict=True)) for row in rows]


def apply(runner: Runner, setting: dict) -> None:
    """Change the generator, and the config that its protocol repeats."""
    for name, value in setting.items():
        setattr(bare_model(runner).generator, name, value)
        cfg = runner.cfg.model.generator
        if name == 'num_steps' and 'sampler' in cfg:
            cfg = cfg.sampler
        cfg[name] = value
