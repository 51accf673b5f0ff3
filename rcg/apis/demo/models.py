"""The models that the page offers: found at once, loaded when asked for."""
import os
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rcg.apis.inferencer import RCGInferencer
from rcg.apis.run_config import config_of_work_dir
from rcg.apis.saved.reading import is_saved
from rcg.checkpoint import find_checkpoint, run_configs

QUICK_START = 'work_dirs/quickstart'
KEPT = 2  # models in memory: as many as one comparison takes


class Facts(NamedTuple):
    """What can be set for a model, and how it is set now.

    Attributes:
        guidance: On the scale of the paper's tables; None: it has none.
        temperature: None: it has none.
        steps: Of the generator.
        num_classes: None: it takes no labels.
        takes_images: Whether it draws from the representation of an image.
    """
    guidance: float | None
    temperature: float | None
    steps: int
    num_classes: int | None
    takes_images: bool


class Models:
    """Models by their names.

    Args:
        paths: Saved folders, work folders, checkpoints in them, or folders of
            any of these; none: those of the quick start, in the current
            folder.
        device: See :class:`~rcg.apis.RCGInferencer`.

    Attributes:
        names: Of all models, RCG's before the baselines.

    Raises:
        FileNotFoundError: There is no model.
    """

    def __init__(self, paths: Sequence[str] = (),
                 device: str | None = None) -> None:
        found = {}
        for path in paths or [QUICK_START]:
            found.update(_models_of(Path(path).expanduser()))
        if not found:
            raise FileNotFoundError(_nothing(paths))
        self._places = {name: place for name, (place, _) in found.items()}
        self.names = sorted(found, key=lambda name: found[name][1])
        self._device, self._loaded = device, OrderedDict()

    def __getitem__(self, name: str) -> RCGInferencer:
        """A model, loaded; some others may be dropped.

        Raises:
            ValueError: There is none of this name.
        """
        place = self._places.get(name) if isinstance(name, str) else None
        if place is None:
            raise ValueError(f'there is no model {str(name)[:80]!r}: choose '
                             'one of the list.')
        if name not in self._loaded:
            while len(self._loaded) >= KEPT:  # before: memory may be short
                self._loaded.popitem(last=False)
            self._loaded[name] = RCGInferencer(place, device=self._device)
        self._loaded.move_to_end(name)
        return self._loaded[name]

    def facts(self, name: str) -> Facts:
        """What can be set; errors are those of getting the model."""
        model = self[name]
        generator = model.model.generator
        guided = (generator.condition_kind is not None
                  or getattr(generator, 'guide', None) is not None)
        return Facts(
            guidance=generator.guidance_scale - 1 if guided else None,
            temperature=getattr(generator, 'temperature', None),
            steps=generator.num_steps, num_classes=model.num_classes,
            takes_images=takes_images(model))

    def warm_up(self) -> None:
        """Draw with the first model, so that PyTorch has prepared itself."""
        model = self[self.names[0]]
        model.sample(1, labels=None if model.num_classes is None else 0,
                     batch_size=1, steps=1)


def takes_images(model: RCGInferencer) -> bool:
    """Whether a model draws from the representation of an image."""
    return (model.model.generator.condition_kind == 'representation'
            and model.model.encoder is not None)


def _models_of(path: Path) -> dict[str, tuple[str, bool]]:
    """Models at a path: name -> what to load, and whether it is a baseline."""
    if path.is_file() or is_saved(path) or run_configs(path):
        return _models_at(path)
    found = {}
    for folder in sorted(path.iterdir()) if path.is_dir() else ():
        if folder.is_dir():
            found.update(_models_at(folder))
    return found


def _models_at(path: Path) -> dict[str, tuple[str, bool]]:
    if is_saved(path):
        return {path.name: (str(path), False)}
    if not run_configs(path):
        return {}
    model = config_of_work_dir(str(path)).get('model') or {}
    if 'generator' not in model:
        return {}
    is_baseline = not model.get('rdm')
    if path.is_file():
        return {f'{path.parent.name}/{path.name}': (str(path), is_baseline)}
    last = Path(find_checkpoint(str(path))).name
    others = sorted({file.name for file in path.iterdir() if file.suffix in (
        '.pth', '.safetensors')} - {last})
    return {path.name: (str(path), is_baseline)} | {
        f'{path.name}/{file}': (str(path / file), is_baseline)
        for file in others}


def _nothing(paths: Sequence[str]) -> str:
    if paths:
        return (f'There is no model of a pixel generator in {list(paths)} '
                f'(from {os.getcwd()}): give work folders, checkpoints in '
                'them, or saved folders.')
    return (f"There are no models in '{QUICK_START}' (from {os.getcwd()}): "
            'train them in four minutes with: bash tools/quickstart.sh\n'
            'Or give work folders, checkpoints or saved folders.')
