"""The generators that fit() can train."""
import dataclasses

from rcg.apis.fitting.choices import TEMPERATURES


@dataclasses.dataclass(frozen=True)
class Generator:
    """What fit() has to know of a generator.

    Its configs in configs/folder are ``NAME.py``, ``NAME_uncond.py`` and
    ``NAME_class_cond.py``; ``_steps.NAME`` and the like of a preset are its
    numbers.

    Attributes:
        has_tokenizer: Whether it draws what a tokenizer decodes, which is
            trained before.
        temperatures: Those that are tried; none: it has no temperature.
    """
    has_tokenizer: bool
    temperatures: tuple[float, ...]


GENERATORS = dict(
    mage=Generator(has_tokenizer=True, temperatures=TEMPERATURES),
    pixels=Generator(has_tokenizer=False, temperatures=()))


def check_generator(name: str) -> None:
    """Raises:
        ValueError: fit() trains no such generator.
    """
    if name not in GENERATORS:
        raise ValueError(f'generator must be one of {", ".join(GENERATORS)}, '
                         f"got '{name}'.")
