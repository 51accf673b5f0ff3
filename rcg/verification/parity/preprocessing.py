"""Case ``preprocessing``: transforms of uint8 images."""
import re

import PIL
import torch

from rcg.registry import TRANSFORMS
from rcg.verification.parity.case import Case
from rcg.verification.parity.rules import judge_pixels

# The filter where a published script names none: the library's default.
DEFAULT = 'bilinear'


class Draws:
    """A stand-in for NumPy's generator, which returns given numbers."""

    def __init__(self, integers: list[int], uniform: float) -> None:
        self.drawn, self.uniform = list(integers), uniform

    def integers(self, high: int) -> int:
        return self.drawn.pop(0)

    def random(self) -> float:
        return self.uniform


def verify(case: Case) -> None:
    made_with = case.config.get('made_with', {}).get('PIL')
    for found in case.find(r'((\w+)\.resize(\d+)_([a-z]+))_(center|crop)\w*'):
        stem, image, size, interpolation, kind = found.groups()
        name = found[0]
        raw = case[f'{image}.raw'].cpu().numpy()
        facts = case.config['images'][image]
        cut = case.shape(name)[0]
        if interpolation == 'default':
            interpolation = DEFAULT
        resize = dict(type='Resize', size=int(size),
                      interpolation=interpolation)
        if kind == 'center':
            rest, rng = [dict(type='CenterCrop', size=cut)], None
        else:
            place = facts['crop']
            rest = [dict(type='RandomCrop', size=cut),
                    dict(type='RandomFlip', prob=.5)]
            rng = Draws([place['top'], place['left']],
                        0. if place['flip'] else 1.)
        results = TRANSFORMS.build(resize)(dict(img=raw, rng=rng))
        height, width = results['img'].shape[:2]
        listed = facts.get(re.sub(r'^\w+\.', '', name)
                           + '.size_after_resize_wh')
        if listed:
            case.check(f'{name}.size_after_resize_wh',
                       listed == [width, height])
        for cfg in rest:
            results = TRANSFORMS.build(cfg)(results)
        ours = torch.from_numpy(results['img'].copy())
        case.add(name, judge_pixels(ours, case.data[name],
                                    made_with == PIL.__version__))
