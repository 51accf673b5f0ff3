"""The stages of a comparison: their commands, and what each needs."""
import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

from rcg.projects.comparison.needs import find_stage_config, needs

# Options of one training or one scoring: keys and values of --cfg-options.
Options = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Model:
    """A config that is trained, or scored with the weights of another.

    Attributes:
        config: The config.
        weights: Name of the stage that has its weights.
        options: Of the training.
    """
    config: str
    weights: str
    options: Options = ()

    @property
    def name(self) -> str:
        """Name of its folder in the work folder of a seed."""
        return '_'.join([Path(self.config).stem, *_endings(self.options)])

    @property
    def is_trained(self) -> bool:
        return self.weights == Path(self.config).stem

    @property
    def run(self) -> str:
        """Folder with its weights."""
        return self.name if self.is_trained else self.weights


class Plan:
    """What is compared.

    Args:
        configs: Each ``CONFIG`` or, to score a config with the weights that
            another one trains, ``CONFIG@NAME``.
        train: Values to try of options of training, by key; all combinations.
        test: Values to try of options of scoring, by key.

    Raises:
        ValueError: Two models would share a folder; a config is not one of
            those that can be compared.
        FileNotFoundError: A config is missing.
    """

    def __init__(self, configs: list[str], train: dict[str, list[str]],
                 test: dict[str, list[str]]) -> None:
        self.test_options = list(_combinations(test))
        self.models = []
        for given in configs:
            config, at, weights = given.partition('@')
            name = Path(config).stem
            self.models += [
                Model(config, weights or name, options)
                for options in ([()] if at else _combinations(train))]
        names = [model.name for model in self.models]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f'more than one model would be trained into '
                             f'{", ".join(twice)}: name each config once, and '
                             'options whose last words differ.')
        self.needs, self.made = {}, {}
        for model in self.models:
            self._add(Path(model.config).stem, model.config)
            if not model.is_trained:
                self._add(model.weights, find_stage_config(
                    model.weights, model.config))

    def _add(self, name: str, config: str) -> None:
        """Note what a stage needs, and what these need."""
        if name in self.needs:
            return
        wanted, made = needs(config)
        self.needs[name] = config, wanted
        self.made |= made
        for other in wanted:
            stage = self.made.get(other, (other, ))[0]
            self._add(stage, find_stage_config(stage, config))

    def commands(self, seed: int) -> Iterator[tuple]:
        """Name, command and needs of every stage of a seed."""
        chosen = {model.name for model in self.models}
        for name in self._parts():
            if name in self.made:
                stage, *options = self.made[name]
                config, wanted = self.needs[stage]
                yield name, [
                    'tools/store_representations.py', config, *options,
                    '--out', f'{{root}}/{name}'], wanted
            elif name not in chosen:
                config, wanted = self.needs[name]
                yield name, _training(config, name, seed), wanted
        for model in self.models:
            wanted = self.needs[Path(model.config).stem][1]
            if model.is_trained:
                yield model.name, _training(
                    model.config, model.name, seed, model.options), wanted
            for options in self.test_options:
                name = self.score_name(model, options)
                yield name, [
                    'tools/test.py', model.config, f'{{root}}/{model.run}',
                    '--out', f'{{root}}/{name}.json', '--cfg-options',
                    f'test_dataloader.dataset.seed={seed}',
                    *(f'{key}={value}' for key, value in options)], (
                        *wanted, model.run)

    @staticmethod
    def score_name(model: Model, options: Options) -> str:
        """Name of a scoring and, with '.json', of its file."""
        return '_'.join(['score', model.name, *_endings(options)])

    def _parts(self) -> list[str]:
        """Stages and files that the models need, each after its needs."""
        done = []

        def visit(name: str) -> None:
            for other in self.needs[self.made.get(name, (name, ))[0]][1]:
                visit(other)
            if name not in done:
                done.append(name)

        for model in self.models:
            for name in self.needs[Path(model.config).stem][1]:
                visit(name)
            if not model.is_trained:
                visit(model.weights)
        return done


def _training(config: str, name: str, seed: int, options: Options = ()
              ) -> list[str]:
    """Without options it is the quick start's command, to the letter."""
    command = ['tools/train.py', config, '--resume']
    if options:
        command += ['--work-dir', f'{{root}}/{name}']
    words = [f'randomness.seed={seed}'] if seed else []
    words += [f'{key}={value}' for key, value in options]
    return [*command, *(['--cfg-options', *words] if words else [])]


def _combinations(values: dict[str, list[str]]) -> list[Options]:
    return list(itertools.product(*(
        [(key, value) for value in several]
        for key, several in values.items())))


def _endings(options: Options) -> list[str]:
    return [f'{key.rpartition(".")[2]}-{value}' for key, value in options]
