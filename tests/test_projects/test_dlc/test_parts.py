"""Encoder, transformer and condition, each by itself."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.projects.dlc import (
    CodeCondition,
    CodeTransformer,
    SimplicialEncoder,
)
from rcg.projects.dlc.process import HIDDEN
from rcg.registry import MODELS
from rcg.rng import SampleRng

CONV = dict(type='ConvEncoder', widths=(4, 6), strides=(2, 1),
            projector_hidden_dim=10, projector_dim=5)
HEAD = dict(type='SimplicialEncoder', encoder=CONV, num_tokens=7, num_codes=4,
            temperature=.5, out_dim=9)


@pytest.fixture(autouse=True)
def seed():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def images(count, size=8):
    return torch.rand(count, 3, size, size) * 2 - 1


def head(**changes):
    cfg = {**HEAD, **changes}
    del cfg['type']
    return SimplicialEncoder(**cfg).eval()


@torch.no_grad()
def test_frozen_it_gives_the_best_code_of_each_token():
    encoder, x = head(), images(5)
    ids, logits = encoder(x), encoder.logits(x)
    assert ids.shape == (5, encoder.rep_dim) == (5, 7)
    assert ids.dtype == torch.int64 and logits.shape == (5, 7, 4)
    assert torch.equal(logits.gather(2, ids[..., None])[..., 0],
                       logits.amax(2))
    assert torch.equal(head(temperature=9.).eval()(x) * 0, ids * 0)
    # LayerNorm is over all tokens.
    torch.testing.assert_close(logits.flatten(1).mean(1), torch.zeros(5),
                               atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_loss_gets_the_soft_tokens():
    encoder, x = head(), images(5)
    assert encoder.project(x).shape == (5, encoder.project_dim) == (5, 9)
    soft = (encoder.logits(x) / .5).softmax(-1).flatten(1)
    torch.testing.assert_close(encoder.project(x), encoder.sem_out(soft))
    # The colder, the nearer to the ids.
    encoder.temperature = 1e-6
    hard = torch.nn.functional.one_hot(encoder(x), 4).float().flatten(1)
    torch.testing.assert_close(encoder.project(x), encoder.sem_out(hard))


@torch.no_grad()
def test_squared_distances_count_tokens():
    encoder = head()
    ids = torch.randint(4, (3, 7))
    rows = encoder.vectors(ids)
    assert rows.shape == (3, 28) and rows.is_floating_point()
    torch.testing.assert_close(
        torch.cdist(rows, rows).square().round(),
        (ids[:, None] != ids).sum(2).float())


def test_on_the_way_a_token_changes_once():
    encoder = head()
    first, last = torch.zeros(8, 7).long(), torch.ones(8, 7).long()
    between = encoder.between(first, last,
                              torch.linspace(0, 1, 8)[:, None])
    assert between.sum(1).tolist() == [*range(8)]
    assert (between.diff(dim=0) >= 0).all()
    assert not (between.diff(dim=1) >= 0).all()  # not from left to right
    half = encoder.between(first[:1], last[:1], torch.tensor([[.5]]))
    assert half.sum() == 4  # of 7


def test_it_learns_with_moco_v3():
    """Two steps change all that is trained, and no more."""
    view = [dict(type='GaussianNoise', std=(0., .1))]
    model = MODELS.build(dict(
        type='MoCoV3', encoder=HEAD, views=[view, view], max_iters=2,
        predictor_hidden_dim=8))
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=.01)
    before = {name: p.clone() for name, p in model.named_parameters()}
    for step in range(2):
        rng = SampleRng.from_seed(step, range(16))
        losses = model(images(16), mode='loss', rng=rng)
        optimizer.zero_grad()
        losses['loss_contrastive'].backward()
        optimizer.step()
    assert all(not torch.equal(p, before[name])
               for name, p in model.encoder.named_parameters(
                   prefix='encoder'))
    rows = model(images(3), mode='predict', indices=torch.arange(3))
    assert rows[0]['representations'].shape == (28, )  # for neighbors


@pytest.mark.parametrize('tables', ['shared', 'each'])
@pytest.mark.parametrize('context_dim', [None, 5])
def test_transformer(tables, context_dim):
    net = CodeTransformer(7, 4, dim=12, depth=2, num_heads=3, tables=tables,
                          context_dim=context_dim)
    ids = torch.randint(4, (6, 7))
    ids[::2, ::2] = HIDDEN
    context = None if context_dim is None else torch.randn(6, 5)
    logits = net(ids, torch.rand(6), context)
    assert logits.shape == (6, 7, 4)
    logits.square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    # Each token depends on all others.
    changed = ids.clone()
    changed[0, 1] = (ids[0, 1] + 1) % 4
    moved = (net(changed, None, context) - net(ids, None, context))[0]
    assert (moved.abs().amax(1) > 1e-6).all()
    with pytest.raises(ValueError, match="'shared' or 'each', got 'own'"):
        CodeTransformer(7, 4, tables='own')


def test_condition():
    layer = CodeCondition(7, 4, dim=6, drop_prob=.5)
    ids = torch.randint(4, (400, 7))
    tables = layer.table.weight.view(7, 5, 6)
    wanted = torch.stack([tables[i, ids[:, i]] for i in range(7)], 1).mean(1)
    torch.testing.assert_close(layer(ids), wanted)
    torch.testing.assert_close(layer.null(3), tables[:, 4].mean(0).expand(
        3, -1))
    dropped = layer(ids, SampleRng.from_seed(0, range(400)))
    null = (dropped - layer.null(1)).abs().amax(1) < 1e-6
    assert 150 < null.sum() < 250
    torch.testing.assert_close(dropped[~null], wanted[~null])
    assert layer.table.weight.std().item() == pytest.approx(6**-.5, rel=.1)
    with pytest.raises(ValueError, match='codes of 7 tokens, got 6'):
        layer(ids[:, :6])
    sure = CodeCondition(7, 4, dim=6, drop_prob=0.)
    assert torch.equal(sure(ids, SampleRng.from_seed(0, range(400))),
                       sure(ids))
    with pytest.raises(ValueError, match='needs a null code'):
        sure.null(1)


def test_arguments():
    for changes in (dict(num_tokens=0), dict(num_codes=1),
                    dict(temperature=0.)):
        with pytest.raises(ValueError, match='num_tokens must be at least'):
            head(**changes)
