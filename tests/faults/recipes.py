"""What is killed: small runs of every kind of stage."""
import dataclasses
from pathlib import Path

# Options of each run: a checkpoint every few steps, two loader workers.
_TRAINING = ('train_cfg.max_iters=24', 'default_hooks.checkpoint.interval=4',
             'default_hooks.logger.interval=2',
             'train_dataloader.num_workers=2')
_VALIDATED = (*_TRAINING, 'train_cfg.val_interval=8')
_BEST = 'default_hooks.checkpoint.save_best='
_CACHE = 'custom_hooks.0.cache_dir={work_dir}/cache'
_CACHE_OF_RDM = 'custom_hooks.1.cache_dir={work_dir}/cache'
PARTS = 'encoder', 'tokenizer', 'latents', 'classifier', 'rdm'


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A run.

    Attributes:
        tool: Name in tools/.
        arguments: The tool's; ``{work_dir}`` and ``{root}`` are replaced.
        again: Arguments that make it go on, such as --resume.
        processes: Number of processes.
    """
    tool: str
    arguments: tuple[str, ...]
    again: tuple[str, ...] = ()
    processes: int = 1

    def words(self, work_dir: Path, root: Path, resume: bool) -> list[str]:
        """The command."""
        options = self.arguments + (self.again if resume else ())
        return [self.tool, *(
            word.format(work_dir=work_dir, root=root) for word in options)]


def training(config: str, *options: str, processes: int = 1) -> Recipe:
    """A recipe of tools/train.py."""
    return Recipe('train.py', (
        config, '--work-dir', '{work_dir}', '--cfg-options', *options),
        ('--resume', ), processes)


def scoring(config: str, checkpoint: str, images: int,
            processes: int = 1) -> Recipe:
    """A recipe of tools/test.py."""
    return Recipe('test.py', (
        config, checkpoint, '--work-dir', '{work_dir}', '--out',
        '{work_dir}/metrics.json', '--save-every', '0.2', '--cfg-options',
        f'test_dataloader.dataset.num_images={images}',
        'test_dataloader.batch_size=16'), (), processes)


RECIPES = {
    'rdm': training('configs/digits/rdm.py', *_VALIDATED,
                    f'{_BEST}representation/fd', _CACHE_OF_RDM,
                    'default_hooks.checkpoint.archive_interval=8'),
    'mage': training('configs/digits/mage.py', *_TRAINING, _CACHE,
                     'custom_hooks.1.interval=12'),
    'dit': training('configs/digits/dit.py', *_TRAINING, _CACHE,
                    'custom_hooks.1.interval=12'),
    'adm': training('configs/digits/adm.py', *_TRAINING,
                    'train_dataloader.batch_size=16',
                    'custom_hooks.1.interval=24'),
    'encoder': training('configs/digits/encoder.py', *_VALIDATED,
                        'train_dataloader.batch_size=64'),
    'tokenizer': training('configs/digits/tokenizer.py', *_VALIDATED,
                          'model.warmup_steps=8',
                          'custom_hooks.0.interval=12'),
    'rdm_2': training('configs/digits/rdm.py', *_VALIDATED, _CACHE_OF_RDM,
                      'train_dataloader.batch_size=64', processes=2),
    'mage_2': training('configs/digits/mage.py', *_TRAINING, _CACHE,
                       'train_dataloader.batch_size=32',
                       'custom_hooks.1.interval=24', processes=2),
    # Most of its time it computes features, in small batches.
    'caching': training('configs/digits/mage.py', 'train_cfg.max_iters=4',
                        'default_hooks.checkpoint.interval=2', _CACHE,
                        'custom_hooks.0.batch_size=2',
                        'custom_hooks.0.shard_size=64',
                        'custom_hooks.1.interval=4'),
    'test': scoring('configs/digits/mage.py', '{root}/mage', 160),
    'test_2': scoring('configs/digits/mage.py', '{root}/mage', 160,
                      processes=2),
}
