"""Networks: shapes, gradients, every parameter used, what they ignore."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.registry import MODELS
from rcg.rng import SampleRng
from tests.test_models import tiny

HALF = dict(dim=16, depth=1, num_heads=2)


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize('context_dim', [None, 5])
@pytest.mark.parametrize('hidden_dim', [None, 7, 24])
def test_denoising_mlp(context_dim, hidden_dim):
    net = MODELS.build(dict(tiny.DENOISER, context_dim=context_dim,
                            hidden_dim=hidden_dim))
    x, t = torch.randn(4, 6), torch.tensor([0, 1, 500, 999])
    context = None if context_dim is None else torch.randn(4, 5)
    assert torch.equal(net(x, t, context), torch.zeros(4, 6))  # at the start
    torch.nn.init.normal_(net.output_proj.weight)
    for block in net.blocks:
        torch.nn.init.normal_(block.fc2.weight)
    out = net(x, t, context)
    assert out.shape == (4, 6)
    torch.testing.assert_close(
        net(x[:1], t[:1], None if context is None else context[:1]), out[:1])
    out.square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_the_hidden_width_of_a_denoiser_is_its_width_if_none_is_given():
    weights = []
    for hidden_dim in (None, tiny.DENOISER['width']):
        torch.manual_seed(0)
        weights.append(MODELS.build(dict(
            tiny.DENOISER, hidden_dim=hidden_dim)).state_dict())
    assert all(torch.equal(a, b) for a, b in zip(
        *(state.values() for state in weights), strict=True))


def test_what_the_hidden_width_of_a_denoiser_changes():
    block = MODELS.build(dict(tiny.DENOISER, context_dim=5,
                              hidden_dim=7)).blocks[0]
    assert {name: tuple(weight.shape) for name, weight
            in block.state_dict().items() if name.endswith('weight')} == {
        'norm1.weight': (16, ), 'fc1.weight': (7, 16),
        'time_proj.weight': (7, 6), 'context_proj.weight': (7, 5),
        'norm2.weight': (7, ), 'fc2.weight': (16, 7)}


def mage(**changes):
    return MODELS.build({**tiny.generator()['network'], **changes})


def test_mage_does_not_see_hidden_tokens():
    net = mage().eval()
    ids = torch.tensor([[1, 2, 3, 4]])
    masked = torch.tensor([[True, False, True, False]])
    embedding = net.condition_embed(torch.randn(1, 6))
    other = ids.masked_fill(masked, 7)
    assert torch.equal(net(ids, masked, embedding),
                       net(other, masked, embedding))
    changed = torch.tensor([[1, 5, 3, 4]])
    assert not torch.equal(net(ids, masked, embedding),
                           net(changed, masked, embedding))


def test_mage_listens_to_its_condition():
    net = mage().eval()
    ids, masked = torch.zeros(2, 4, dtype=torch.int64), torch.ones(
        2, 4, dtype=torch.bool)
    logits = net(ids, masked, net.condition_embed(torch.randn(2, 6)))
    assert logits.shape == (2, 4, 8)
    assert not torch.allclose(logits[0], logits[1])


def test_tied_head_gives_word_embeddings_no_gradient():
    net = mage(embedding=dict(tied_head=True))
    assert net.head.weight is None
    x = torch.randn(2, 4, 16)
    net.logits(x).sum().backward()
    assert net.embed.word.weight.grad is None


def test_epsilons_are_those_of_the_published_networks():
    """5e-6 apart in the result, at the edge of what numbers can tell."""
    def epsilons(net):
        return {name: module.eps for name, module in net.named_modules()
                if isinstance(module, torch.nn.LayerNorm)}

    found = epsilons(MODELS.build(tiny.DENOISER))
    assert found.pop('norm') == 1e-6
    assert set(found.values()) == {1e-5} and len(found) == 2
    found = epsilons(mage())
    assert found.pop('head.norm') == 1e-5
    assert set(found.values()) == {1e-6} and len(found) == 7


def test_dropped_conditions():
    layer = MODELS.build(dict(tiny.CONDITIONS['representation'], dim=4,
                              drop_prob=.3))
    rep = torch.randn(2000, 6)
    rng = SampleRng.from_seed(0, range(2000))
    null = layer.null(2000)
    dropped = torch.isclose(layer(rep, rng), null, atol=1e-6).all(1)
    assert abs(dropped.float().mean() - .3) < .05
    assert not torch.isclose(layer(rep), null, atol=1e-6).all(1).any()


def test_label_condition():
    plain = MODELS.build(dict(tiny.CONDITIONS['label'], dim=4))
    assert plain.embedding.weight.shape == (3, 4)
    layer = MODELS.build(dict(tiny.CONDITIONS['label'], dim=4, drop_prob=1.))
    labels = torch.tensor([0, 1, 2])
    rng = SampleRng.from_seed(0, range(3))
    assert torch.equal(layer(labels, rng), layer.null(3))
    assert torch.equal(layer(labels), layer.embedding.weight[:3])


def test_representation_without_null_or_projection():
    layer = MODELS.build(dict(tiny.CONDITIONS['representation'], dim=6,
                              drop_prob=0., project=False))
    assert not list(layer.parameters())
    rep, rng = torch.randn(3, 6), SampleRng.from_seed(0, range(3))
    assert layer(rep, rng) is rep
    with pytest.raises(ValueError, match='null representation'):
        layer.null(3)
    with pytest.raises(ValueError, match='6 values, got 5'):
        layer(rep[:, :5])
    with pytest.raises(ValueError, match='4 values, got rep_dim=6'):
        MODELS.build(dict(tiny.CONDITIONS['representation'], dim=4,
                          project=False))
