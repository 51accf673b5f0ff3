"""Which scores may stand in one table."""
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from torch import nn

from rcg.apis.sweep import records


class ToyRunner(SimpleNamespace):
    def with_cfg(self, **changes):
        return ToyRunner(model=self.model,
                         cfg=Config({**self.cfg.to_dict(), **changes}))


@pytest.fixture
def runner():
    return ToyRunner(model=nn.Identity(), cfg=Config(dict(
        model=dict(generator=dict(guidance_scale=1.)), test_cfg={},
        test_dataloader={}, test_evaluator=[])))


def test_scores_of_another_precision_are_another_sweep(
        tmp_path, monkeypatch, runner):
    torch.save({}, tmp_path / 'a.pth')

    def identity(runner):
        return records.identity(runner, str(tmp_path / 'a.pth'),
                                dict(guidance_scale=[1.]))

    records.Records(tmp_path, identity(runner)).write()
    with pytest.raises(ValueError, match='another test_cfg: give another'):
        records.Records(tmp_path, identity(
            runner.with_cfg(test_cfg=dict(fp16=True))))
    monkeypatch.setattr(records, 'float32_precision', lambda: 'high')
    with pytest.raises(ValueError, match='another float32: give another'):
        records.Records(tmp_path, identity(runner))
