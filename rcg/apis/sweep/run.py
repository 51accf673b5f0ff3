"""Sweeps: score every combination of some settings."""
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import get_rank, is_main_process
from mmengine.runner import Runner

from rcg.apis.cached_rdm import CachedRDM
from rcg.apis.run_config import config_of_test, load_any_config, name_of
from rcg.apis.sweep import report, settings
from rcg.apis.sweep.records import Records, identity
from rcg.apis.testing import scalars
from rcg.engine.console import log
from rcg.engine.hooks.resumable_test import ResumableTestHook
from rcg.engine.unwrapping import bare_model
from rcg.evaluation.protocol import describe_test
from rcg.registry import RUNNERS


def sweep(config: Config | dict | str, checkpoint: str, *,
          guidance_scale: Sequence[float] | None = None,
          temperature: Sequence[float] | None = None,
          num_steps: Sequence[int] | None = None,
          rdm_steps: Sequence[int] | None = None, out: str | None = None,
          work_dir: str | None = None, options: list[str] | dict | None = None,
          launcher: str = 'none') -> Records:
    """Score a generator at every combination of the given settings.

    All get the same seeds, and the same representations if the RDM takes as
    many steps: it draws them once. When an interrupted call is repeated, it
    goes on, also with more settings.

    Args:
        config: A config with ``model.generator``, or the path of one.
        checkpoint: File or work folder.
        guidance_scale: Guidance scales; 1 is off (0 in the paper's tables).
        temperature, num_steps: The generator's, of choice and of sampling.
        rdm_steps: Those of the RDM.
        out: Folder for sweep.json, sweep.png and the representations; by
            default sweep/ in the work folder.
        work_dir, options, launcher: See :func:`run_config
            <rcg.apis.run_config.run_config>`.

    Returns:
        Settings with their metrics and protocols.

    Raises:
        ValueError: There is nothing to sweep; generator or RDM have no such
            setting; ``out`` holds another sweep.
    """
    wanted = dict(guidance_scale=guidance_scale, temperature=temperature,
                  num_steps=num_steps, rdm_steps=rdm_steps)
    runner = _build_runner(config, work_dir, options, launcher)
    todo = settings.combinations(bare_model(runner), wanted)
    runner.load_checkpoint(checkpoint, strict=True)
    done = Records(Path(out or Path(runner.work_dir) / 'sweep'),
                   identity(runner, checkpoint, wanted))
    _score_all(runner, todo, done)
    return done


def _build_runner(config: Config | dict | str, work_dir: str | None,
                  options: list[str] | dict | None, launcher: str) -> Runner:
    cfg = load_any_config(config, options)
    if cfg.get('test_cfg') is None or 'generator' not in cfg.model:
        raise ValueError(f"'{name_of(config)}' must have model.generator, "
                         'test_cfg, test_dataloader and test_evaluator.')
    return RUNNERS.build(config_of_test(cfg, work_dir, launcher=launcher))


def _score_all(runner: Runner, todo: list[dict], done: Records) -> None:
    """Score the settings that are not done; write each when it is; plot."""
    state, model = ResumableTestHook(), bare_model(runner)
    runner.register_hook(state)
    rdm, drawn_with = getattr(model, 'rdm', None), None
    for setting in todo:
        if setting in done:
            continue
        settings.apply(runner, setting)
        about = done.about
        if 'rdm_steps' in setting:
            about = about | {'rdm_steps': str(setting['rdm_steps'])}
        if rdm is not None and about != drawn_with:
            model.rdm = CachedRDM(rdm, done.path.parent, about, get_rank())
            drawn_with = about
        log(runner, f'sweep: {report.describe(setting)}')
        metrics = scalars(runner.test())
        protocol = describe_test(runner, state.generated, state.spent)
        done.add(dict(setting=setting, metrics=metrics, protocol=protocol))
        if rdm is not None:
            model.rdm.save()
        if is_main_process():
            done.write()
        state.clear()
    if is_main_process():
        report.plot(done.rows, done.path.with_name('sweep.png'))
