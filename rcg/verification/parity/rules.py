"""Tolerances of comparisons, as the README of a reference pack sets them."""
import re
from typing import NamedTuple

import torch
from torch import Tensor

# Tables that are computed from the few numbers of a schedule.
_TABLES = re.compile(r'(sched|schedule|ddim|respaced|lr|mask_ratio|mage)\..*')


class Verdict(NamedTuple):
    """The errors of a tensor, and whether they are allowed.

    Attributes:
        max_abs: Largest absolute error.
        max_rel: Largest relative error: relative to each number if the
            tolerance is, else to the largest number of the tensor.
        tolerance: What was allowed, in words.
        passed: Whether it was kept.
    """
    max_abs: float
    max_rel: float
    tolerance: str
    passed: bool


def judge(name: str, ours: Tensor, theirs: Tensor, floor: float = 0.
          ) -> Verdict:
    """Compare a result with a stored tensor.

    ==================  ==================================================
    kind                allowed
    ==================  ==================================================
    integers            none
    norms of gradients  1e-4 relative + 1e-6
    tables, schedules   1e-6 relative; 1e-12 if stored in float64
    other float64       1e-12 relative, unless all fit float32: then they
                        were computed in it
    all else            1e-5 of the largest number + 50 ``floor``
    ==================  ==================================================

    Args:
        name: Of the stored tensor; it tells the kind.
        ours: Our result.
        theirs: The stored tensor.
        floor: Noise floor: how much the tensor changes if each weight
            changes by 1e-7 of itself.
    """
    ours, theirs = torch.as_tensor(ours).detach().cpu(), theirs.cpu()
    if ours.shape != theirs.shape:
        return Verdict(torch.inf, torch.inf, f'shape {tuple(theirs.shape)}, '
                       f'got {tuple(ours.shape)}', False)
    if not theirs.is_floating_point():
        wrong = int((ours != theirs).sum())
        return Verdict(wrong, wrong / max(theirs.numel(), 1), 'equal',
                       wrong == 0)
    wide, ours = theirs.double(), ours.double()
    error = torch.where(ours == wide, 0., (ours - wide).abs())
    bound, size, text = _tolerance(name, theirs, floor)
    relative = torch.where(error == 0, 0., error / size)
    return Verdict(error.max().item(), relative.max().item(), text,
                   bool((error <= bound).all()))


def _tolerance(name: str, theirs: Tensor, floor: float
               ) -> tuple[Tensor, Tensor, str]:
    """What :func:`judge` allows for a stored floating-point tensor.

    Returns:
        The largest error allowed for each number, what its relative error is
        relative to, and the tolerance in words.
    """
    wide = theirs.double()
    size = torch.where(wide.isfinite(), wide.abs(), 0.)
    largest = size.max() if size.numel() else size.sum()
    if name.endswith('grad_norm'):
        bound, text = 1e-4 * size + 1e-6, '1e-4 rel + 1e-6'
    elif _TABLES.fullmatch(name) or not wide.float().double().equal(wide):
        rel = 1e-12 if theirs.dtype == torch.float64 else 1e-6
        # A number that should be 0 may be off by the largest one's last bit.
        bound, text = rel * size + 1e-15 * largest, f'{rel:.0e} rel'
    else:
        bound = (1e-5 * largest + 50 * floor).expand_as(size)
        text, size = f'{bound.max().item():.2e}', largest.expand_as(size)
    return bound, torch.where(size > 0, size, largest), text


def judge_pixels(ours: Tensor, theirs: Tensor, same_pillow: bool) -> Verdict:
    """Compare uint8 images.

    With the version of Pillow that made them they must be equal; with
    another, 1 % of the values may differ by 1.
    """
    if same_pillow or ours.shape != theirs.shape:
        return judge('', ours, theirs)
    error = (ours.cpu().int() - theirs.cpu().int()).abs()
    share = (error > 0).double().mean().item()
    largest = error.max().item()
    return Verdict(largest, share, '1 at 1 %', largest <= 1 and share <= .01)
