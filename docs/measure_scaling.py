"""Measure training steps of one process and of several.

    python docs/measure_scaling.py
    torchrun --nproc-per-node 2 docs/measure_scaling.py

A MAGE of --dim and --depth on made-up codes, with AdamW: as it is, in DDP and
sharded, a step of each in turn. Medians; --images are of all processes
together. The exchanges are of all gradients at once, with nothing beside them.
Where others use the processor, too, compare the seconds of computing.
"""
import argparse
import os
import statistics
import sys
import time

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from rcg.engine import ShardedModel
from rcg.engine.shards import local
from rcg.registry import PIXEL_GENERATORS
from rcg.rng import SampleRng

TOKENS = 256


class Training(nn.Module):
    """A generator whose call is its loss."""

    def __init__(self, dim: int, depth: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        half = dict(dim=dim, num_heads=dim // 64)
        self.generator = PIXEL_GENERATORS.build(dict(
            type='MAGE', num_steps=20, network=dict(
                type='MAGEViT', num_codes=1024, num_tokens=TOKENS,
                encoder=dict(half, depth=depth),
                decoder=dict(half, depth=depth // 3),
                condition=dict(type='RepresentationCondition', rep_dim=256),
                class_tokens=(1, 0))))

    def forward(self, codes, condition, rng):
        return self.generator.loss(codes, condition, rng)['loss_tokens']


def make(kind: str, args: argparse.Namespace):
    """A function that takes a step, and bytes that a process keeps."""
    model = Training(args.dim, args.depth)
    if kind == 'DDP':
        model = DistributedDataParallel(model, gradient_as_bucket_view=True)
    elif kind == 'sharded':
        model = ShardedModel(model)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    rank, world = place()
    count = args.images // world
    rng = SampleRng.from_seed(0, range(rank * count, (rank + 1) * count))
    codes = torch.randint(1024, (count, TOKENS))
    condition = torch.randn(count, 256)

    def step() -> None:
        model(codes, condition, rng).backward()
        optimizer.step()
        optimizer.zero_grad()

    step()
    kept = 4 * sum(local(p).numel() * 4 for p in model.parameters())
    return step, kept


def place() -> tuple[int, int]:
    if not distributed.is_initialized():
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def timed(work) -> tuple[float, float]:
    """Seconds on the clock, and of this process's computing."""
    if place()[1] > 1:
        distributed.barrier()
    begun = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begun[0], time.process_time() - begun[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--dim', type=int, default=256)
    parser.add_argument('--depth', type=int, default=6)
    parser.add_argument('--images', type=int, default=8)
    parser.add_argument('--steps', type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(1)
    works, kept = {}, {}
    kinds = ['plain']
    if 'RANK' in os.environ:
        distributed.init_process_group('gloo')
        kinds = ['DDP', 'sharded']
    for kind in kinds:
        works[kind], kept[kind] = make(kind, args)
    count = sum(p.numel() for p in Training(args.dim, args.depth).parameters())
    rank, world = place()
    gradients = torch.randn(-(-count // world) * world)
    if world > 1:
        part = torch.empty(len(gradients) // world)
        works |= {
            'all-reduce': lambda: distributed.all_reduce(gradients),
            'all-gather': lambda: distributed.all_gather_into_tensor(
                gradients, part)}
    times = {kind: [] for kind in works}
    for _ in range(args.steps):
        for kind, work in works.items():
            times[kind].append(timed(work))
    if not rank:
        print(f'{world} processes, {count:,} parameters, {args.images} images')
        for kind, seconds in times.items():
            middle, computed = map(statistics.median,
                                   zip(*seconds, strict=True))
            more = f'{4 * count / middle / 1e6:.0f} MB/s'
            if kind in kept:
                more = (f'{args.images / middle:.2f} images/s; '
                        f'{kept[kind] / 1e6:.0f} MB a process')
            print(f'{kind}: {middle:.3f} s, of which {computed:.3f} s '
                  f'computing; {more}')
    if world > 1:
        distributed.destroy_process_group()
        # DDP and shards still hold it. If one of Gloo's threads releases a
        # tensor while Python shuts down, it aborts the process.
        sys.stdout.flush()
        os._exit(0)


if __name__ == '__main__':
    main()
