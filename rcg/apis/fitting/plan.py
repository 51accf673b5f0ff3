"""The plan of a project: what was asked for, what was chosen, its stages."""
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from rcg.apis.fitting.choices import rounds_of
from rcg.apis.fitting.generators import GENERATORS, Generator
from rcg.apis.stages import Stage

SWEPT = 500  # images at each temperature, at most
SAMPLES, EXAMPLES = 64, 16  # images of the final grid, of a temperature


@dataclasses.dataclass
class Plan:
    """What fit() does for a folder; OUT/plan.json holds it.

    Attributes:
        folder: Of the images.
        size: Side of the images of the model, in pixels.
        time: For everything, in seconds.
        preset: Name of a config in configs/folder.
        device: cpu, cuda, ...
        asked_encoder: What was asked for; see
            :func:`~rcg.apis.fitting.encoders.find_encoder`.
        baseline: Whether an unconditional generator is trained, too.
        class_cond: Whether a generator by class is trained, too.
        generator: A key of GENERATORS, and the name of its stage.
        encoder: Config of a pretrained encoder; None: it is trained.
        values: Variables of settings.py, by name.
        swept: Images that are scored at each temperature.
        estimates: Lines about the costs of the stages.
    """
    folder: str
    size: int
    time: float
    preset: str
    device: str
    asked_encoder: str = 'auto'
    baseline: bool = False
    class_cond: bool = False
    generator: str = 'mage'
    encoder: dict | None = None
    values: dict = dataclasses.field(default_factory=dict)
    swept: int = SWEPT
    estimates: list[str] = dataclasses.field(default_factory=list)

    @property
    def kind(self) -> Generator:
        """What there is to know of the generator."""
        return GENERATORS[self.generator]

    @property
    def trained(self) -> list[str]:
        """The stages that train, in the order of their start."""
        return (['encoder'] * (self.encoder is None)
                + ['tokenizer'] * self.kind.has_tokenizer
                + ['rdm', self.generator, *self.compared])

    @property
    def compared(self) -> list[str]:
        """Generators that are trained for as many steps, by other means."""
        return ([f'{self.generator}_uncond'] * self.baseline
                + [f'{self.generator}_class_cond'] * self.class_cond)

    @property
    def alone(self) -> list[str]:
        """Stages that train on all cores, with nothing beside them."""
        names = [self.generator] * (not self.compared)
        if not self.kind.has_tokenizer:
            names += ['encoder', 'rdm']
        return names

    @property
    def rounds(self) -> int:
        """How often generators follow each other."""
        return rounds_of(1 + len(self.compared), self.jobs)

    @property
    def jobs(self) -> int:
        """Stages that run at a time; a GPU is not shared."""
        return 2 if self.device == 'cpu' else 1

    def training(self, out: Path) -> Iterator[Stage]:
        """The stages up to the scores that choose the temperature.

        Args:
            out: Folder of the project.
        """
        def train(name: str, *needs: str) -> Stage:
            return Stage(name, ['tools/train.py', str(out / f'{name}.py'),
                                '--resume'], needs, name in self.alone)

        known = () if self.encoder is not None else ('encoder', )
        if known:
            yield train('encoder')
        needs = *known, 'rdm'
        if self.kind.has_tokenizer:
            yield train('tokenizer')
            needs = *needs, 'tokenizer', 'judge_tokenizer'
        yield train('rdm', *known)
        if self.kind.has_tokenizer:
            yield Stage('judge_tokenizer', [
                'tools/measure_tokenizer.py', *_model(out, 'tokenizer'),
                '--out', str(out / 'tokenizer/quality/metrics.json')],
                ('tokenizer', ))
            yield _score(out, 'tokenizer', needs=('tokenizer', *known))
        for name in self.generator, *self.compared:
            yield train(name, *needs)
        if self.kind.temperatures:
            yield from self._sweeps(out)

    def _sweeps(self, out: Path) -> Iterator[Stage]:
        for name in self.generator, *self.compared:
            yield Stage(f'sweep_{name}', [
                'tools/sweep.py', *_model(out, name), '--temperature',
                *(f'{value:g}' for value in self.kind.temperatures), '--out',
                str(out / name / 'sweep'), '--cfg-options',
                f'test_dataloader.dataset.num_images={self.swept}'], (name, ))

    def results(self, out: Path, temperatures: dict[str, float | None]
                ) -> Iterator[Stage]:
        """The stages that score and draw, at the best temperatures.

        Args:
            out: Folder of the project.
            temperatures: The best one, by generator; None if it has none.
        """
        own = self.generator
        for name, value in temperatures.items():
            # That of the generator itself stands in settings.py.
            yield _score(out, name, () if name == own else
                         _temperature(value))
        yield Stage('sample', [
            'tools/sample.py', *_model(out, own), '--num', str(SAMPLES),
            '--out', str(out / 'samples')])
        if self.class_cond:
            by_class = f'{own}_class_cond'
            yield Stage('sample_by_class', [
                'tools/sample.py', *_model(out, by_class), '--num',
                str(SAMPLES), '--out', str(out / 'by_class'),
                *_temperature(temperatures[by_class])])
        for value in self.kind.temperatures:
            yield Stage(f'sample_{value:g}', [
                'tools/sample.py', *_model(out, own), '--num',
                str(EXAMPLES), '--out', str(out / f'temperatures/{value:g}'),
                *_temperature(value)])


def _model(out: Path, name: str) -> list[str]:
    return [str(out / f'{name}.py'), str(out / name)]


def _temperature(value: float | None) -> list[str]:
    if value is None:
        return []
    return ['--cfg-options', f'model.generator.temperature={value:g}']


def _score(out: Path, name: str, options: Sequence[str] = (),
           needs: tuple[str, ...] = ()) -> Stage:
    return Stage(f'score_{name}', [
        'tools/test.py', *_model(out, name), '--out',
        str(out / name / 'metrics.json'), *options], needs)
