"""Settings of sampling for one call; the model itself never changes."""
import copy

from torch import nn

from rcg.apis.sweep.settings import PUBLISHED_OFF


def with_settings(model: nn.Module, guidance: float | None = None,
                  temperature: float | None = None,
                  steps: int | None = None) -> nn.Module:
    """A model with other settings of its generator, and the same weights.

    Args:
        model: An RCG.
        guidance: On the scale of the paper's tables, off at 0.
        temperature: Of MAGE's noise on confidences, 0 or more.
        steps: Of the generator's sampler.

    Returns:
        The model itself if nothing is given, else a shallow copy: an error
        in a call leaves nothing behind, and two calls may take turns.

    Raises:
        ValueError: A value is out of range, or of no use to this generator.
    """
    wanted = dict(temperature=temperature, num_steps=steps)
    if guidance is not None:
        _check_guidance(model.generator, guidance)
        wanted['guidance_scale'] = guidance - PUBLISHED_OFF + 1
    wanted = {name: value for name, value in wanted.items()
              if value is not None}
    if not wanted:
        return model
    _check(model.generator, wanted)
    generator = copy.copy(model.generator)
    if hasattr(generator, 'sampler'):  # it has the number of steps
        generator.sampler = copy.copy(generator.sampler)
    for name, value in wanted.items():
        setattr(generator, name, value)
    other = copy.copy(model)
    # Not by assignment: copies share the dict of their children.
    vars(other)['_modules'] = {**model._modules, 'generator': generator}
    return other


def _check_guidance(generator: nn.Module, guidance: float) -> None:
    if not guidance >= PUBLISHED_OFF:
        raise ValueError("guidance is on the scale of the paper's tables, off "
                         f'at 0 and not negative, got {guidance}.')
    if guidance > PUBLISHED_OFF and generator.condition_kind is None and (
            getattr(generator, 'guide', None) is None):
        raise ValueError(
            f'this {type(generator).__name__} has no condition and no weaker '
            'network, so guidance cannot change what it draws: leave it out.')


def _check(generator: nn.Module, wanted: dict) -> None:
    kind = type(generator).__name__
    for name in wanted:
        if not hasattr(generator, name):
            raise ValueError(f'{kind} has no {name}: leave '
                             f'{_ARGUMENTS.get(name, name)} out.')
    if not wanted.get('temperature', 0) >= 0:
        raise ValueError('temperature must not be negative, got '
                         f'{wanted["temperature"]}.')
    steps = wanted.get('num_steps', 1)
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f'steps must be a number from 1, got {steps!r}.')


_ARGUMENTS = dict(num_steps='steps', guidance_scale='guidance')
