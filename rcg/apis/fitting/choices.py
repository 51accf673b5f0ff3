"""What fit() decides before it trains: preset, size, steps, batches."""
import dataclasses
import math
import re

# Presets by the largest size that they are meant for.
PRESETS = {32: 'tiny_32', 64: 'small_64', 128: 'base_128', 256: 'base_256'}
UNITS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}
# Temperatures of MAGE that are tried; more make samples more varied.
TEMPERATURES = (1., 3., 6., 10., 15., 25.)
# Share of the training time that each stage gets. Without GPU two stages
# train at a time, one on each half of the cores: encoder and RDM beside the
# tokenizer, then the generator alone on all of them.
SHARES = {
    1: dict(encoder=.2, tokenizer=.25, rdm=.1, generator=.45),
    2: dict(encoder=.22, tokenizer=.4, rdm=.18, generator=.6),
}
# Without a tokenizer there is nothing to train beside encoder and RDM.
SHARES_WITHOUT_TOKENIZER = dict(encoder=.2, rdm=.1, generator=.7)
LEAST_STEPS = 20
# bfloat16 has fewer digits, so on a CPU it must be so many times as fast.
WORTH = 1.15


def parse_time(text: str) -> float:
    """Seconds of '90s', '25m', '1h30m', '2d' or, without unit, minutes.

    Raises:
        ValueError: The text is no such time, or is not positive.
    """
    parts = re.findall(r'(\d+(?:\.\d+)?)([smhd]?)', text)
    if text and ''.join(map(''.join, parts)) == text:
        seconds = sum(float(value) * UNITS[unit or 'm']
                      for value, unit in parts)
        if 0 < seconds < math.inf:
            return seconds
    raise ValueError(f"the time must be like 90s, 25m or 1h30m, got '{text}'.")


def choose_size(shorter_sides: list[int], on_gpu: bool) -> int:
    """The size of a preset that suits most images and the device.

    Args:
        shorter_sides: Of the images, in pixels.
        on_gpu: Without a GPU, more than 32 pixels take hours.
    """
    sides = sorted(shorter_sides)
    median = sides[len(sides) // 2]
    fitting = [size for size in PRESETS if size <= median]
    size = fitting[-1] if fitting else min(PRESETS)
    return size if on_gpu else min(PRESETS)


def choose_preset(size: int, on_gpu: bool) -> str:
    """The preset whose models fit a size and a device."""
    if not on_gpu:
        return PRESETS[min(PRESETS)]
    return next((PRESETS[known] for known in PRESETS if size <= known),
                PRESETS[max(PRESETS)])


@dataclasses.dataclass
class Cost:
    """What a stage costs on this device.

    Attributes:
        seconds: Of one step, or of drawing an image.
        memory_mb: Peak, of the GPU or of the process.
        disk_mb: Of its checkpoints.
        by_dtype: Seconds of the fastest step by precision, if both were
            tried; ``seconds`` are those of float32.
    """
    seconds: float
    memory_mb: int
    disk_mb: int
    by_dtype: dict[str, float] = dataclasses.field(default_factory=dict)


def choose_dtype(costs: dict[str, Cost], steps: dict[str, int],
                 generator: str = 'mage') -> tuple[str, float] | None:
    """The precision of the stages that were tried in two.

    Args:
        costs: By stage; ``seconds`` become those of the choice.
        steps: Of the preset, which weigh the stages.
        generator: Name of its stage.

    Returns:
        'bfloat16' or 'float32', and how many times as fast bfloat16 is; None
        if no stage was tried in both.
    """
    tried = {name: cost for name, cost in costs.items() if cost.by_dtype}
    if not tried:
        return None
    # Generators that are compared take as many steps.
    total = {dtype: sum(
        cost.by_dtype[dtype] * steps.get(name, steps[generator])
        for name, cost in tried.items())
             for dtype in ('float32', 'bfloat16')}
    gain = total['float32'] / total['bfloat16']
    chosen = 'bfloat16' if gain >= WORTH else 'float32'
    for cost in tried.values():
        cost.seconds *= cost.by_dtype[chosen] / cost.by_dtype['float32']
    return chosen, gain


def choose_steps(costs: dict[str, Cost], seconds: float, jobs: int,
                 generator: str = 'mage') -> dict[str, int]:
    """Steps of every stage that fill a given time.

    Args:
        costs: By stage, those that train. Without 'encoder' (it is
            pretrained), the RDM gets its time, without 'tokenizer' mostly the
            generator.
        seconds: For all of the training.
        jobs: Stages that run at a time: 1 or 2.
        generator: Name of its stage.
    """
    shares = dict(SHARES[jobs] if 'tokenizer' in costs
                  else SHARES_WITHOUT_TOKENIZER)
    if 'encoder' not in costs:
        shares['rdm'] += shares['encoder']
    # Those that it is compared with train beside it, if there is room, each
    # on its part of the cores.
    generators = [name for name in costs if name.startswith(generator)]
    share = shares.pop('generator') / rounds_of(len(generators), jobs)
    shares |= dict.fromkeys(generators, share)
    steps = {name: int(seconds * shares[name] / cost.seconds)
             for name, cost in costs.items()}
    # The comparison is at equal steps.
    steps |= dict.fromkeys(generators, min(steps[g] for g in generators))
    return {name: max(LEAST_STEPS, round_down(count))
            for name, count in steps.items()}


def rounds_of(count: int, jobs: int) -> int:
    """How often ``jobs`` stages at a time must begin, for all to be done."""
    return math.ceil(count / jobs)


def round_down(count: int) -> int:
    """To two digits: 1,234 -> 1,200."""
    digits = 10**max(0, len(str(count)) - 2)
    return count // digits * digits
