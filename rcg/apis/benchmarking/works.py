"""The pieces of work of RCG, each the plain way and ours.

Plain is what the published code does: images through the frozen parts in every
step, attention as explicit products in float32, PyTorch's dropout, batches of
16 for sampling.
"""
import copy
import dataclasses
import os
import tempfile
from collections.abc import Callable
from functools import partial

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from rcg.apis.benchmarking.measuring import Variant
from rcg.apis.full_size import noise_batch
from rcg.engine.configs.loading import without_weights
from rcg.engine.schedule import resolve_lr
from rcg.engine.stored_features import FeatureFolder, joined
from rcg.models.layers.plain import plain_layers
from rcg.registry import MODELS
from rcg.rng import SampleRng

PLAIN_BATCH = 16  # of the RDM's training and sampling, as published
STORED = 1024  # images whose features are stored


@dataclasses.dataclass
class Bench:
    """What the works are measured on.

    Attributes:
        cfg: Config of an RCG.
        device: Where they run.
        batch: Images of a step of the generator, and of its sampling.
        wide: Representations at a time, our way.
        image_size: Side of the images in pixels.
        bfloat16: Whether the device multiplies faster in bfloat16.
    """
    cfg: Config
    device: torch.device
    batch: int
    wide: int
    image_size: int
    bfloat16: bool

    def __post_init__(self) -> None:
        self.model = MODELS.build(without_weights(self.cfg.model.to_dict()))
        self.model.to(self.device)

    def images(self, count: int) -> Tensor:
        images = noise_batch(count, self.image_size)['images']
        return images.to(self.device) / 127.5 - 1

    def rng(self, count: int) -> SampleRng:
        return SampleRng.from_seed(0, range(count), self.device)

    def condition(self, count: int) -> Tensor | None:
        kind = self.model.generator.condition_kind
        if kind == 'label':
            return torch.zeros(count, dtype=torch.int64, device=self.device)
        if kind is None:
            return None
        with torch.no_grad(), self.model.encoder.in_float32(
                self.device) as encoder:
            return encoder(self.images(count))

    def low(self, act: Callable[[], object]) -> Callable[[], object]:
        """The same under autocast to bfloat16."""
        def in_bfloat16() -> object:
            with torch.autocast(self.device.type, torch.bfloat16):
                return act()
        return in_bfloat16

    def variants(self, plain: Callable, ours: Callable, items: int,
                 what: str) -> list[Variant]:
        """The plain way, ours, and ours in bfloat16 if that is faster."""
        found = [Variant(f'plain, {what}', explicit(plain), items),
                 Variant(f'float32, {what}', ours, items)]
        if self.bfloat16:
            found.append(Variant(f'bfloat16, {what}', self.low(ours), items,
                                 torch.bfloat16))
        return found


def explicit(act: Callable[[], object]) -> Callable[[], object]:
    """The same with attention as products, and PyTorch's layers."""
    def with_products() -> object:
        with sdpa_kernel(SDPBackend.MATH), plain_layers():
            return act()
    return with_products


def cache(bench: Bench) -> list[Variant]:
    """What a step trains on: computed, or read from stored features."""
    count, model = bench.batch, bench.model
    images = bench.images(count)
    with torch.no_grad():
        stored = joined([{name: rows.cpu().repeat_interleave(STORED, 0)
                          for name, rows in model.encode(
                              images[:1]).items()}], torch.float32)
    place = tempfile.TemporaryDirectory()
    folder = FeatureFolder(place.name, {}, STORED, STORED)
    folder.write(folder.shards(1)[0], stored)
    rows = folder.open(1)
    chosen = torch.randint(STORED, (count, ))

    def read() -> dict[str, Tensor]:
        assert os.path.exists(place.name)  # it lives as long as this function
        return {name: rows[name][chosen].to(bench.device) for name in rows}

    return [Variant(f'plain, batch {count}', explicit(
                partial(model.encode, images)), count),
            Variant(f'stored, batch {count}', read, count)]


def features(bench: Bench) -> list[Variant]:
    """Representations of images, as for training and scores."""
    if bench.model.encoder is None:
        return []
    encoder, x = bench.model.encoder.on(bench.device), bench.images(
        bench.batch)
    act = torch.no_grad()(partial(encoder, x))
    return bench.variants(act, act, bench.batch, f'batch {bench.batch}')


def decode(bench: Bench) -> list[Variant]:
    """Codes -> images."""
    tokenizer = bench.model.tokenizer.on(bench.device)
    with torch.no_grad():
        codes = tokenizer.training_codes(
            tokenizer.encode(bench.images(bench.batch)),
            bench.rng(bench.batch))
    act = torch.no_grad()(partial(tokenizer.decode, codes))
    found = [Variant(f'plain, batch {bench.batch}', explicit(act),
                     bench.batch)]
    if bench.bfloat16 and hasattr(tokenizer, 'decode_in'):
        # What model.sampling does.
        fast = copy.deepcopy(tokenizer)
        fast.decode_in('bfloat16', channels_last=True)
        found.append(Variant('bfloat16, channels last', torch.no_grad()(
            partial(fast.decode, codes)), bench.batch, torch.bfloat16))
    return found


def rdm_train(bench: Bench) -> list[Variant]:
    """Steps of the RDM, if one is trained."""
    if not hasattr(bench.model.rdm, 'loss'):  # stored representations
        return []
    cfg = without_weights(bench.cfg.model.to_dict())
    model = MODELS.build(dict(
        cfg['rdm'], encoder=cfg['encoder'],
        data_preprocessor=dict(type='ImagePreprocessor')))
    model.to(bench.device)
    found = []
    for cached, count in ((False, PLAIN_BATCH), (True, PLAIN_BATCH),
                          (True, bench.wide)):
        # The published RDM clips no gradients.
        act = _step(bench, model, count, cached, dtype='float32',
                    clip_grad=None)
        found.append(Variant(_name(cached, 'float32', count),
                             act if cached else explicit(act), count))
    return found


def generator_train(bench: Bench) -> list[Variant]:
    """Steps of the generator."""
    found = []
    for cached, dtype in ((False, 'float32'), (True, 'float32'),
                          (True, 'bfloat16')):
        if dtype == 'bfloat16' and not bench.bfloat16:
            continue
        act = _step(bench, bench.model, bench.batch, cached, dtype=dtype)
        found.append(Variant(_name(cached, dtype, bench.batch),
                             act if cached else explicit(act), bench.batch,
                             getattr(torch, dtype)))
    return found


def _name(cached: bool, dtype: str, count: int) -> str:
    return (f'cached, {dtype}, batch {count}' if cached else
            f'plain, batch {count}')


def _step(bench: Bench, model: BaseModel, count: int, cached: bool,
          **optim: str | None) -> Callable[[], object]:
    """A training step on images, or on what the frozen parts made of them.

    ``optim`` replaces settings of the config's optimizer wrapper.
    """
    wrapper_cfg = bench.cfg.optim_wrapper.to_dict() | optim
    resolve_lr(wrapper_cfg, count, 1)
    wrapper = build_optim_wrapper(model, wrapper_cfg)
    batch = noise_batch(count, bench.image_size)
    if cached:
        # One image, many times: what the values are costs nothing.
        images = bench.images(1)
        with torch.no_grad():
            encoded = model.encode(images)
        del batch['images']
        batch |= {name: value.cpu().repeat_interleave(count, 0)
                  for name, value in encoded.items()}

    def act() -> None:
        model.train()
        model.train_step(batch, wrapper)
    return act


def rdm_sample(bench: Bench) -> list[Variant]:
    """Representations out of noise."""
    if not hasattr(bench.model.rdm, 'loss'):
        return []
    rdm = bench.model.rdm.on(bench.device)

    def draw(count: int) -> Tensor:
        labels = torch.zeros(count, dtype=torch.int64, device=bench.device)
        return rdm.sample(bench.rng(count), labels)

    @torch.no_grad()
    def plain() -> Tensor:
        """The time of each row is embedded in each step."""
        rng = bench.rng(PLAIN_BATCH)
        labels = torch.zeros_like(rng.keys[:, 0])
        predict = rdm.denoise_as(labels)
        denoise = partial(rdm.diffusion.denoise,
                          lambda x, t: predict(x, t.contiguous()))
        return rdm.sampler(denoise, rdm.noise(rng, labels), rng,
                           rdm.diffusion.schedule)

    found = [Variant(f'plain, batch {PLAIN_BATCH}', plain, PLAIN_BATCH)]
    for count in PLAIN_BATCH, bench.wide:
        act = partial(draw, count)
        found.append(Variant(f'float32, batch {count}', act, count))
        if bench.bfloat16:
            found.append(Variant(f'bfloat16, batch {count}', bench.low(act),
                                 count, torch.bfloat16))
    return found


def generator_sample(bench: Bench) -> list[Variant]:
    """Codes out of a condition."""
    bench.model.eval()
    condition = bench.condition(bench.batch)

    def act() -> Tensor:
        bench.model.eval()
        return bench.model.generator.sample(condition, bench.rng(bench.batch))
    return bench.variants(act, act, bench.batch, f'batch {bench.batch}')


WORKS = dict(cache=cache, features=features, rdm_train=rdm_train,
             generator_train=generator_train, rdm_sample=rdm_sample,
             generator_sample=generator_sample, decode=decode)
