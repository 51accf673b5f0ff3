"""benchmark(): all works of some configs; a table, and JSON."""
import platform

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from rcg.apis.benchmarking.loading import loading
from rcg.apis.benchmarking.measuring import matrix_rates, measure
from rcg.apis.benchmarking.works import WORKS, Bench
from rcg.apis.json_file import write_json
from rcg.apis.run_config import load_any_config
from rcg.engine.devices import compute_as_a_run, usable_device

DEFAULT = 'configs/rcg/mage_b.py'
# bfloat16 is tried where its products are faster by so much.
WORTH = 1.2


def benchmark(configs: list[str] | None = None, *, quick: bool = False,
              batch_size: int | None = None, image_size: int = 256,
              rounds: int | None = None, device: str | None = None,
              out: str | None = None,
              options: list[str] | dict | None = None) -> list[dict]:
    """Measure training and sampling of models, the plain way and ours.

    Weights are random and images noise. The ways take turns in one run, and
    medians are reported.

    Args:
        configs: Configs of RCG models; by default MAGE-B.
        quick: Few images, rounds and sampling steps.
        batch_size: Images of a step; by default 32 on a GPU, else 2.
        image_size: Side of the images in pixels.
        rounds: Turns of each way; by default 5, quick 3.
        device: By default a GPU, if there is one.
        out: JSON file of the rows.
        options: Changes of the configs by dotted key.

    Returns:
        Rows: ``config`` and ``work``, and what :func:`measure` says.
    """
    device = torch.device(usable_device(device))
    init_default_scope('rcg')
    compute_as_a_run('high')
    rates, rounds = _limits(device), rounds or (3 if quick else 5)
    rows = _rows('', 'loading', loading(16 if quick else 64), rounds,
                 torch.device('cpu'), rates)
    batch_size = batch_size or (2 if device.type == 'cpu' else 32)
    for config in configs or [DEFAULT]:
        bench = Bench(_config(config, options, quick), device, batch_size,
                      64 if quick else 512, image_size,
                      rates[torch.bfloat16] > WORTH * rates[torch.float32])
        for work, variants_of in WORKS.items():
            rows += _rows(str(config), work, variants_of(bench), rounds,
                          device, rates)
    if out:
        write_json(rows, out)
    return rows


def _limits(device: torch.device) -> dict[torch.dtype, float]:
    """The rates of matrix products, printed with what they are of."""
    rates = matrix_rates(device)
    print(f'{_machine(device)}\nlimit: ' + ', '.join(
        f'{str(dtype).removeprefix("torch.")} {rate / 1e9:.0f} GFLOP/s'
        for dtype, rate in rates.items()), flush=True)
    return rates


def _machine(device: torch.device) -> str:
    if device.type == 'cuda':
        name = torch.cuda.get_device_name(device)
    else:
        name = f'{platform.machine()}, {torch.get_num_threads()} threads'
    return f'{name}; torch {torch.__version__}'


def _config(config: str, options: list[str] | dict | None,
            quick: bool) -> Config:
    """The config; if quick, with few sampling steps: all cost the same.

    Not too few of the RDM, whose loop is prepared once.
    """
    cfg = load_any_config(config, options)
    if not quick:
        return cfg
    generator, rdm = cfg.model.generator, cfg.model.get('rdm')
    if rdm is not None and 'sampler' in rdm:
        rdm.sampler.num_steps = 25
    if 'sampler' in generator:
        generator.sampler.num_steps = 2
    elif 'num_steps' in generator:
        generator.num_steps = 2
    return cfg


def _rows(config: str, work: str, variants: list, rounds: int,
          device: torch.device, rates: dict) -> list[dict]:
    if not variants:
        return []
    rows = [dict(config=config, work=work, **row) for row in
            measure(variants, rounds, device, rates)]
    for row in rows:
        print(f'{work:16} {row["variant"]:28} {row["per_second"]:10.2f}/s '
              f'{row["ratio"]:6.2f}x {row["share_of_limit"]:6.1%} '
              f'{row["peak_memory_mb"]:7,} MB', flush=True)
    return rows
