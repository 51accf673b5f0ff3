"""Representations out of a file, and the clusters that they may be of."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.checkpoint import (
    CheckpointError,
    MissingCheckpointError,
    save_atomically,
)
from rcg.frozen import Frozen
from rcg.models.diffusers import StoredRepresentations
from rcg.models.layers.condition import ClusterCondition
from rcg.registry import REPRESENTATION_DIFFUSERS
from rcg.rng import SampleRng
from tests.test_models import tiny

ROWS = torch.arange(5.)[:, None] + torch.arange(6.) / 10
COUNTS = torch.tensor([1, 0, 4, 2, 3])


@pytest.fixture
def stored(tmp_path):
    path = str(tmp_path / 'clusters.safetensors')
    save_atomically(dict(representations=ROWS, counts=COUNTS), path)
    return dict(type='StoredRepresentations', num=5, rep_dim=6,
                checkpoint=path)


def rng(positions, seed=0):
    return SampleRng.from_seed(seed, positions)


def test_rows_come_as_often_as_they_count(stored):
    part = Frozen.build(REPRESENTATION_DIFFUSERS, stored)
    drawn = part.sample(rng(range(5000)))
    numbers = drawn[:, 0].round().long()
    assert torch.equal(drawn, ROWS[numbers])
    shares = numbers.bincount(minlength=5) / 5000
    assert shares[1] == 0
    torch.testing.assert_close(shares, COUNTS / 10., rtol=0, atol=.02)
    assert part.sha256  # so that caches and protocols know the file


def test_a_row_depends_on_its_stream_alone(stored):
    part = Frozen.build(REPRESENTATION_DIFFUSERS, stored)
    whole = part.sample(rng(range(20)), labels=torch.zeros(20).long())
    assert torch.equal(part.sample(rng([7, 3])), whole[[7, 3]])
    assert not torch.equal(part.sample(rng(range(20), seed=1)), whole)


def test_the_number_must_be_that_of_the_file(stored):
    with pytest.raises(CheckpointError, match=r'wanted \(4, 6\), got \(5, 6'):
        Frozen.build(REPRESENTATION_DIFFUSERS, dict(stored, num=4))
    with pytest.raises(ValueError, match='num must be at least 1, got 0'):
        StoredRepresentations(0, 6)


def test_a_missing_file_names_its_command(stored):
    with pytest.raises(MissingCheckpointError,
                       match=r"'x.safetensors': make it with tools/store_rep"):
        Frozen.build(REPRESENTATION_DIFFUSERS,
                     dict(stored, checkpoint='x.safetensors'))


def test_a_cluster_is_the_label_of_what_is_near(stored):
    layer = ClusterCondition(stored, dim=4, drop_prob=.5)
    near = ROWS[[2, 0, 4]] + .3
    assert layer.numbers(near).tolist() == [2, 0, 4]
    assert torch.equal(layer(near), layer.embedding(torch.tensor([2, 0, 4])))
    assert torch.equal(layer(near), layer(ROWS[[2, 0, 4]]))
    dropped = layer(ROWS[2:3].expand(400, -1), rng(range(400)))
    null = (dropped == layer.null(1)).all(1)
    assert 150 < null.sum() < 250
    assert torch.equal(dropped[~null], layer(ROWS[2:3]).expand(
        int((~null).sum()), -1))
    assert [*layer.own_frozen_parts] == ['clusters']
    assert [name for name, _ in layer.named_parameters()] == [
        'embedding.weight']
    with pytest.raises(ValueError, match='of 6 values, got 5'):
        layer(near[:, :5])


def test_numbers_mean_the_clusters_of_the_training(stored, tmp_path):
    trained = ClusterCondition(stored, dim=4)
    save_atomically(dict(representations=ROWS.flip(0), counts=COUNTS),
                    stored['checkpoint'])
    layer = ClusterCondition(stored, dim=4)
    assert layer.numbers(ROWS).tolist() == [4, 3, 2, 1, 0]
    layer.load_state_dict(trained.state_dict())
    assert layer.numbers(ROWS).tolist() == [0, 1, 2, 3, 4]


def test_a_model_needs_no_other_change(stored):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('rcg'):
        model = tiny.rcg(
            rdm=stored, generator=tiny.generator(
                dict(type='ClusterCondition', clusters=stored)))
    whole = model.sample(rng(range(6)))
    torch.testing.assert_close(model.sample(rng([4])), whole[4:5])
    images = torch.rand(4, 3, 8, 8) * 2 - 1
    loss = sum(model(mode='loss', images=images, rng=rng(range(4))).values())
    loss.backward()
    condition = model.generator.network.condition_embed
    assert condition.embedding.weight.grad.any()


def test_another_width_is_refused(stored):
    with DefaultScope.overwrite_default_scope('rcg'), pytest.raises(
            ValueError, match=r'model.rdm gives .* of 6 values'):
        tiny.rcg(rdm=stored, encoder=None, generator=tiny.generator(
            dict(type='RepresentationCondition', rep_dim=5)))


def test_token_ids_stay_integers(tmp_path):
    path = str(tmp_path / 'codes.safetensors')
    ids = torch.tensor([[2**24 + 1, 0], [3, 1]])  # float32 would round it
    save_atomically(dict(representations=ids, counts=torch.ones(2).long()),
                    path)
    part = Frozen.build(REPRESENTATION_DIFFUSERS, dict(
        type='StoredRepresentations', num=2, rep_dim=2, num_codes=2**25,
        checkpoint=path))
    drawn = part.sample(rng(range(8)))
    assert drawn.dtype == torch.int64
    assert {*map(tuple, drawn.tolist())} == {*map(tuple, ids.tolist())}
    assert part.rep_codes == 2**25
