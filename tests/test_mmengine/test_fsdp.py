"""Models of the method on two processes under MMEngine's FSDP strategy."""
import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import FlexibleRunner

from rcg.engine import RcgRunner, bare_model
from tests.forked import call_in_two
from tests.test_engine.running import scalars
from tests.test_mmengine.test_runners import stock_config
from tests.test_models import tiny

# Representations of the smallest encoder are constant for some images.
ENCODER = dict(tiny.ENCODER, widths=(32, 32), projector_hidden_dim=32)
MODELS = dict(
    RDM=dict(tiny.RDM, encoder=ENCODER, data_preprocessor=tiny.PREPROCESSOR),
    RCG=dict(type='RCG', generator=tiny.generator(), rdm=tiny.RDM,
             tokenizer=tiny.TOKENIZER, encoder=ENCODER,
             data_preprocessor=tiny.PREPROCESSOR))


def config(kind, folder):
    init_default_scope('rcg')
    cfg = stock_config(folder, **{'train_cfg.max_iters': 2})
    cfg.model = MODELS[kind]
    cfg.train_dataloader.dataset = dict(type='ToyDataset8')
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.custom_hooks = []
    cfg.optim_wrapper.update(
        constructor='DefaultOptimWrapperConstructor', clip_grad=None)
    return cfg


def train(folder):
    """In one of two processes."""
    for kind in MODELS:
        cfg = config(kind, folder / kind)
        cfg.launcher = 'pytorch'
        cfg.strategy = dict(
            type='FSDPStrategy', state_dict_cfg='full',
            model_wrapper=dict(use_orig_params=True))
        FlexibleRunner.from_cfg(cfg).train()


@pytest.mark.slow
def test_fsdp_trains_rdm_and_mage(tmp_path):
    """Two steps; our runner takes the weights of the checkpoint."""
    call_in_two(train, tmp_path)
    for kind in MODELS:
        losses = torch.tensor(list(scalars(tmp_path / kind).values()))
        assert len(losses) == 2
        assert losses.isfinite().all()
        runner = RcgRunner.from_cfg(config(kind, tmp_path / 'next' / kind))
        before = {name: value.clone() for name, value in bare_model(
            runner).named_parameters() if value.requires_grad}
        runner.load_checkpoint(
            str(tmp_path / kind / 'iter_2.pth'), strict=True)
        after = dict(bare_model(runner).named_parameters())
        assert any(not torch.equal(value, after[name])
                   for name, value in before.items())
