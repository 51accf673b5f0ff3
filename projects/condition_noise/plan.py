"""The stages of the measurement: their commands, and what each needs."""
import dataclasses
from collections.abc import Iterator

from rcg.projects.quickstart.plan import STAGES
from rcg.projects.quickstart.plan import Plan as QuickStart

_NOISE = 'model.generator.network.condition.noise_std'


@dataclasses.dataclass(frozen=True, order=True)
class Setting:
    """One training.

    Attributes:
        generator: Name of its config, configs/digits/NAME.py.
        steps: Training steps.
        noise: Standard deviation of the noise on the condition.
    """
    generator: str
    steps: int
    noise: float

    @property
    def name(self) -> str:
        """Name of its stage and of its folder."""
        return f'{self.generator}_{self.steps}_{self.noise:g}'


@dataclasses.dataclass(frozen=True)
class Plan:
    """What was asked for.

    Attributes:
        generators: Keys of the quick start's ``GENERATORS``.
        steps: Lengths of training.
        noise: Standard deviations.
    """
    generators: tuple[str, ...]
    steps: tuple[int, ...]
    noise: tuple[float, ...]

    @property
    def settings(self) -> list[Setting]:
        """All combinations, the short trainings first."""
        return [Setting(generator, steps, noise)
                for generator in self.generators
                for steps in self.steps for noise in self.noise]

    @property
    def parts(self) -> set[str]:
        """Stages that all trainings of a seed share."""
        return {'classifier'}.union(
            *(STAGES[name][0] for name in self.generators))

    def sampling(self, generator: str) -> dict[str, dict[str, float]]:
        """Settings to score at, by the ending of the file of metrics."""
        return self._quick_start.settings(generator)

    @property
    def _quick_start(self) -> QuickStart:
        # With several seeds it scores MAGE at several temperatures.
        return QuickStart(self.generators, seeds=2)

    def commands(self, seed: int) -> Iterator[tuple]:
        """Name, command and needs of every stage of a seed.

        The parts are trained as in the quick start.
        """
        parts = self.parts
        for name, command, needs in self._quick_start.commands(seed):
            if name in parts:
                yield name, command, needs
        for setting in self.settings:
            yield from self._commands_of(setting, seed)

    def _commands_of(self, setting: Setting, seed: int) -> Iterator[tuple]:
        name, generator = setting.name, setting.generator
        yield name, [
            'tools/train.py', f'configs/digits/{generator}.py', '--resume',
            '--work-dir', f'{{root}}/{name}', '--cfg-options',
            f'randomness.seed={seed}', f'train_cfg.max_iters={setting.steps}',
            f'{_NOISE}={setting.noise:g}'], STAGES[generator][0]
        for ending, values in self.sampling(generator).items():
            yield f'score_{name}{ending}', [
                'tools/test.py', f'{{root}}/{name}', '--out',
                f'{{root}}/{name}/metrics{ending}.json', '--cfg-options',
                f'test_dataloader.dataset.seed={seed}',
                *(f'model.generator.{key}={value}'
                  for key, value in values.items())], (name, 'classifier')
