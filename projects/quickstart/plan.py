"""The stages of the quick start: their commands, and what each needs."""
import dataclasses
from collections.abc import Iterator

# Stages that train, in the order of their start: the stages that each needs,
# and its iterations with --short. The config of NAME is
# configs/digits/NAME.py, its folder is {root}/NAME.
STAGES = {
    'encoder': ((), 60),
    'tokenizer': ((), 150),
    'latents': ((), 60),
    'rdm': (('encoder', ), 300),
    'mage_uncond': (('tokenizer', ), 100),
    'mage': (('encoder', 'tokenizer', 'rdm'), 100),
    'mage_class_cond': (('tokenizer', ), 100),
    'dit_uncond': (('latents', ), 40),
    'dit': (('encoder', 'latents', 'rdm'), 40),
    'adm_uncond': ((), 40),
    'adm': (('encoder', 'rdm'), 40),
    'ldm_uncond': (('latents', ), 40),
    'ldm': (('encoder', 'latents', 'rdm'), 40),
    'classifier': ((), 60),
    'encoder_pca': ((), None),  # it has two iterations in any case
    'rdm_pca': (('encoder_pca', ), 300),
    'mage_pca': (('encoder_pca', 'tokenizer', 'rdm_pca'), 100),
}
GENERATORS = {'mage': 'MAGE', 'dit': 'DiT', 'adm': 'ADM', 'ldm': 'LDM'}
# Ending of the name of a generator's stage: title of its model.
KINDS = {
    '_uncond': 'unconditional {}',
    '': 'RCG ({} on generated representations)',
    '_class_cond': 'class-conditional {}',
    '_pca': 'control: RCG, PCA of pixels as encoder',
}
TOKENIZERS = {'tokenizer': 'tokenizer', 'latents': 'continuous tokenizer'}
# Settings of sampling that are tried for the models of a generator. The best
# has the least distance to the training digits, never to the held-out ones.
SETTINGS = {'mage': ('temperature', (.5, 1.5, 4.5, 9.))}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What was asked for.

    Attributes:
        generators: Keys of ``GENERATORS``.
        seeds: Number of runs. If there are several, each model is scored at
            its best settings, and the PCA control is run.
        short: Train for few iterations, to see that everything works.
    """
    generators: tuple[str, ...] = ('mage', )
    seeds: int = 1
    short: bool = False

    @property
    def models(self) -> dict[str, str]:
        """Title of every model that draws images, by its stage."""
        return {name + kind: title.format(GENERATORS[name])
                for name in self.generators for kind, title in KINDS.items()
                if name + kind in STAGES
                and (kind != '_pca' or self.seeds > 1)}

    @property
    def trained(self) -> list[str]:
        """Stages that train: models, their classifier, what these need."""
        wanted, todo = set(), ['classifier', *self.models]
        while todo:
            name = todo.pop()
            wanted.add(name)
            todo += STAGES[name][0]
        return [name for name in STAGES if name in wanted]

    @property
    def tokenizers(self) -> dict[str, str]:
        """Title of every tokenizer that the models need, by its stage."""
        return {name: title for name, title in TOKENIZERS.items()
                if name in self.trained}

    def settings(self, stage: str) -> dict[str, dict[str, float]]:
        """Settings to score a stage at, by the ending of the metrics file."""
        argument, values = SETTINGS.get(stage.partition('_')[0], ('', ()))
        if self.seeds == 1 or not values:
            return {'': {}}
        return {f'_{value:g}': {argument: value} for value in values}

    def commands(self, seed: int) -> Iterator[tuple]:
        """Name, command and needs of every stage of a run."""
        for name in self.trained:
            needs, short = STAGES[name]
            options = [f'randomness.seed={seed}'] if seed else []
            if self.short and short:
                options.append(f'train_cfg.max_iters={short}')
            yield name, ['tools/train.py', f'configs/digits/{name}.py',
                         '--resume', *_cfg_options(options)], needs
        for name in [*self.tokenizers, *self.models]:
            drawn = [f'test_dataloader.dataset.seed={seed}'] if (
                seed and name in self.models) else []
            for ending, settings in self.settings(name).items():
                options = [f'model.generator.{key}={value}'
                           for key, value in settings.items()]
                yield f'score_{name}{ending}', [
                    'tools/test.py', *_model(name), '--out',
                    f'{{root}}/{name}/metrics{ending}.json',
                    *_cfg_options(drawn + options)], (name, 'classifier')
        for name in self.models:
            labels = ['--labels', *map(str, range(10))]
            yield f'sample_{name}', [
                'tools/sample.py', *_model(name), '--num', '20', '--seed',
                str(seed), '--out', f'{{root}}/{name}/images',
                *(labels if name.endswith('_class_cond') else [])], (name, )


def _model(name: str) -> list[str]:
    return [f'configs/digits/{name}.py', f'{{root}}/{name}']


def _cfg_options(options: list[str]) -> list[str]:
    return ['--cfg-options', *options] if options else []
