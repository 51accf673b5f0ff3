"""Averages of vectors, choice of seeds, dead codes."""
import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing

from rcg.pretraining.codebook import EMACodebook, count_codes, pick
from rcg.registry import MODELS

K, D = 4, 3


def batch(count=64):
    rng = torch.Generator().manual_seed(1)
    vectors = torch.randn(count, D, generator=rng)
    return vectors, torch.randint(K, (count, ), generator=rng)


def test_update_in_closed_form():
    average = EMACodebook(K, D, decay=.9)
    start = torch.arange(12.).view(K, D)
    codebook = start.clone()
    average.start(codebook)
    sums, sizes = start.double(), torch.ones(K).double()
    for _ in range(3):
        vectors, ids = batch()
        average.update(codebook, vectors, ids)
        for k in range(K):
            sums[k] = .9 * sums[k] + .1 * vectors[ids == k].sum(0)
            sizes[k] = .9 * sizes[k] + .1 * (ids == k).sum()
    # The smoothing of 1e-5 vectors is below the tolerance.
    wanted = (sums / sizes[:, None]).float()
    torch.testing.assert_close(codebook, wanted, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(average.cluster_size, sizes.float())


def test_a_code_without_vectors_stays():
    average = EMACodebook(K, D, decay=.5)
    codebook = torch.ones(K, D)
    average.start(codebook)
    vectors, ids = batch()
    for _ in range(40):
        average.update(codebook, vectors, ids.clamp(max=K - 2))
    assert codebook.isfinite().all()
    assert (codebook[-1].abs() <= 1).all()


def test_pick_takes_the_highest_scores_in_order():
    vectors, _ = batch()
    scores = torch.linspace(0, 1, 64).roll(5)
    wanted = vectors[scores.argsort(descending=True)[:6]]
    assert torch.equal(pick(vectors, scores, 6), wanted)
    # Fewer vectors than codes: from the start again.
    assert torch.equal(pick(vectors[:2], scores[:2], 5)[2:4],
                       pick(vectors[:2], scores[:2], 2))


def test_dead_codes_are_replaced_and_others_are_not():
    average = EMACodebook(K, D, dead_share=.1)
    codebook = torch.randn(K, D)
    average.start(codebook)
    average.cluster_size.copy_(torch.tensor([10., .1, 9., .2]))
    before, vectors = codebook.clone(), batch()[0]
    average.reseed(codebook, vectors, torch.zeros(64))
    assert torch.equal(codebook[[0, 2]], before[[0, 2]])
    distances = torch.cdist(vectors, before).amin(1)
    # Without noise the vectors farthest from any code are taken.
    assert torch.equal(codebook[[1, 3]],
                       vectors[distances.argsort(descending=True)[:2]])
    share = average.cluster_size / average.cluster_size.mean()
    assert (share > .1).all()
    torch.testing.assert_close(
        average.code_sum[1] / average.cluster_size[1], codebook[1])


def test_alive_codes_are_left_alone():
    average = EMACodebook(K, D)
    codebook = torch.randn(K, D)
    average.start(codebook)
    before = codebook.clone()
    average.reseed(codebook, batch()[0], torch.zeros(64))
    assert torch.equal(codebook, before)


def test_when_dead_codes_are_looked_for():
    average = EMACodebook(K, D, reseed_interval=5)
    assert [s for s in range(12) if average.reseeds(s)] == [4, 9]
    assert not EMACodebook(K, D, dead_share=0).reseeds(19)


@pytest.mark.parametrize('bad', [
    dict(decay=1.), dict(decay=0.), dict(dead_share=1.),
    dict(dead_share=-.1), dict(reseed_interval=0)])
def test_bad_arguments(bad):
    with pytest.raises(ValueError, match='got'):
        MODELS.build(dict(type='EMACodebook', num_codes=K, dim=D, **bad))


def run(vectors, ids, scores):
    average = EMACodebook(K, D, decay=.9, dead_share=.5)
    codebook = pick(vectors, scores, K)
    average.start(codebook)
    average.update(codebook, vectors, ids)
    average.cluster_size[2] = .01
    average.reseed(codebook, vectors, scores)
    return codebook, average.cluster_size, count_codes(ids, K)


def _worker(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'file://{folder}/meet',
                            rank=rank, world_size=2)
    vectors, ids = batch()
    scores = torch.linspace(0, 1, 64).roll(9)
    mine = slice(rank, None, 2)
    torch.save(run(vectors[mine], ids[mine], scores[mine]),
               f'{folder}/{rank}.pt')
    dist.destroy_process_group()


def test_two_processes_learn_what_one_learns(tmp_path):
    # Forked, which saves the imports; OpenMP survives it with one thread, but
    # CUDA does not.
    multiprocessing.start_processes(
        _worker, (str(tmp_path), ), nprocs=2,
        start_method='spawn' if torch.cuda.is_available() else 'fork')
    vectors, ids = batch()
    alone = run(vectors, ids, torch.linspace(0, 1, 64).roll(9))
    results = [torch.load(tmp_path / f'{rank}.pt') for rank in range(2)]
    for ours, *theirs in zip(alone, *results, strict=True):
        assert torch.equal(*theirs)
        torch.testing.assert_close(theirs[0], ours, rtol=1e-6, atol=1e-6)
