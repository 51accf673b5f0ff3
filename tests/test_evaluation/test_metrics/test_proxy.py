import inspect

import pytest
import torch

from rcg.engine import load_config
from rcg.evaluation import (
    FrechetProxy,
    Moments,
    frechet_distance,
    frechet_influence,
    shared_extractor,
)
from rcg.registry import METRICS
from tests.test_engine.running import ROOT
from tests.test_evaluation.test_metrics.test_metrics import (
    EXTRACTOR,
    IMAGES,
    evaluate,
)
from tests.test_evaluation.toy import output_of, run_processes

PROXY = {'type': 'FrechetProxy', 'extractor': EXTRACTOR, 'reference': IMAGES}


def fit(rows, weights=None):
    return rows.double().mean(0), torch.cov(rows.double().T, aweights=weights)


@pytest.mark.parametrize('count', [300, 6])
def test_influence_is_the_derivative_by_a_weight(count):
    """Also with fewer rows than features."""
    torch.manual_seed(0)
    rows = torch.randn(count, 8).double() * torch.arange(1, 9)
    mean, cov = fit(torch.randn(50, 8) * 3 + 1)
    found = frechet_influence(rows, mean, cov)
    assert abs(found.mean()) < 1e-10

    def distance(weights):
        weights = weights / weights.sum()
        center = weights @ rows
        centered = (rows - center) * weights.sqrt()[:, None]
        scale = count / (count - 1)
        return frechet_distance(center, centered.T @ centered * scale, mean,
                                cov)

    step = 1e-5
    for i in (0, count - 1):
        up, down = torch.ones(2, count).double()
        up[i], down[i] = 1 + step, 1 - step
        slope = (distance(up) - distance(down)) / (2 * step) * count
        # The covariance is the unbiased one: a part 1 / count off.
        assert found[i] == pytest.approx(slope, rel=3 / count, abs=.05)


def test_value_and_interval():
    """The interval holds other seeds' scores as often as it says."""
    torch.manual_seed(0)
    metric = FrechetProxy(EXTRACTOR, IMAGES)
    scale = torch.arange(1, 17) ** -.5
    real = torch.randn(250, 16) * scale
    found = [metric.compare(real, torch.randn(250, 16) * scale * 1.2 + .1)
             for _ in range(80)]
    values = torch.tensor([x['fd'] for x in found])
    inside = [x['fd_low'] < values.mean() < x['fd_high'] for x in found]
    assert .88 <= sum(inside) / len(inside) <= 1
    widths = torch.tensor([x['fd_high'] - x['fd_low'] for x in found])
    assert widths.mean() < 6 * values.std()  # 3.9 if it were perfect


def test_the_reference_has_the_size_of_the_samples(tmp_path):
    """One fixed choice; and the same in 1 and 3 processes."""
    alone = evaluate(60, 16, [PROXY])
    assert alone.keys() == {'proxy/fd', 'proxy/fd_low', 'proxy/fd_high'}
    assert alone['proxy/fd_low'] < alone['proxy/fd'] < alone['proxy/fd_high']
    for results in run_processes(3, tmp_path, evaluate, 60, 16, [PROXY]):
        assert results == alone
    extractor = shared_extractor(EXTRACTOR)
    metric = FrechetProxy(EXTRACTOR, IMAGES)
    real = metric.reference.features(torch.device('cpu'))
    assert len(real) == 130
    order = torch.randperm(
        130, generator=torch.Generator().manual_seed(2020))[:60]
    fake = extractor(torch.stack([
        output_of(i)['images'] for i in range(60)]))['features']
    sums = Moments(7), Moments(7)
    sums[0].add(fake)
    sums[1].add(real[order])
    assert alone['proxy/fd'] == pytest.approx(frechet_distance(
        *sums[0].mean_and_covariance(), *sums[1].mean_and_covariance()),
        rel=1e-6)


def test_more_samples_than_real_images_are_refused():
    with pytest.raises(ValueError, match='131 samples needs as many real im'):
        evaluate(131, 16, [PROXY])


def test_config_for_training_on_imagenet(tmp_path):
    base = f'{ROOT}/configs/_base_'
    (tmp_path / 'leaf.py').write_text(f"""
_base_ = ['{base}/evaluation/imagenet_proxy.py',
          '{base}/encoders/mocov3_vit_b.py']
val_evaluator = [*_base_._proxies,
                 dict(_base_._copy_check, extractor=_base_.encoder)]
""")
    cfg = load_config(str(tmp_path / 'leaf.py'))
    used, tested = (cfg[name].dataset for name in (
        'val_dataloader', 'test_dataloader'))
    assert (used.num_images, tested.num_images) == (5000, 50000)
    assert used.seed != tested.seed
    fid, copies = cfg.val_evaluator
    assert fid.extractor.type == 'Inception'
    assert fid.reference == copies.held_out
    assert copies.extractor.type == 'MoCoV3ViT'
    for metric in (fid, copies):  # all arguments exist
        wanted = inspect.signature(METRICS.get(metric.type)).parameters
        assert set(metric) - {'type'} <= set(wanted)
