"""Runs that give the same bits again on the same machine."""
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from rcg.engine.building import HintingRunner

_VARIABLE = 'CUBLAS_WORKSPACE_CONFIG'
# Those with which cuBLAS gives the same bits, by its documentation.
_WORKSPACES = ':4096:8', ':16:8'


def prepare_cublas() -> None:
    """Let matrix products on a GPU be deterministic.

    cuBLAS reads an environment variable when it starts, so this has to come
    before the first product on a GPU.

    Raises:
        ValueError: The variable has a value with which they are not, or it
            is not set and this process has used the GPU.
    """
    workspace = os.environ.get(_VARIABLE)
    if workspace is None:
        if torch.cuda.is_initialized() and torch.cuda.memory_reserved():
            raise ValueError(
                'this process has used the GPU before it was asked to be '
                f'deterministic: set {_VARIABLE}={_WORKSPACES[0]} before '
                'Python starts.')
        os.environ[_VARIABLE] = _WORKSPACES[0]
    elif workspace not in _WORKSPACES:
        raise ValueError(
            f"{_VARIABLE} is '{workspace}', with which matrix products on a "
            'GPU differ from run to run: set it to '
            f'{" or ".join(_WORKSPACES)}, or not at all.')


@contextmanager
def naming_operations() -> Iterator[None]:
    """Say in a sentence which operation is not deterministic.

    Raises:
        ValueError: An operation has no deterministic implementation.
    """
    try:
        yield
    except RuntimeError as error:
        found = re.match(r'(.+?) does not have a deterministic '
                         'implementation', str(error))
        if found is None:
            raise
        raise ValueError(
            'deterministic=True, but on this device PyTorch has no '
            f'deterministic {found[1]}. Without --deterministic (randomness.'
            'deterministic=False) the run works, and two runs differ by '
            'rounding.') from error


class DeterministicRunner(HintingRunner):
    """Takes ``randomness=dict(deterministic=True)`` at its word.

    Beyond what MMEngine does, it prepares cuBLAS before the GPU is used, and
    names the operation that is not deterministic.
    """

    @classmethod
    def from_cfg(cls, cfg):
        """Build from a config; prepare cuBLAS first if need be."""
        if (cfg.get('randomness') or {}).get('deterministic'):
            prepare_cublas()
        return super().from_cfg(cfg)

    def set_randomness(self, seed, diff_rank_seed: bool = False,
                       deterministic: bool = False) -> None:
        """Seed all generators; the arguments are MMEngine's."""
        if deterministic:
            prepare_cublas()
        super().set_randomness(seed, diff_rank_seed, deterministic)

    def train(self) -> nn.Module:
        """Train; see :func:`naming_operations`."""
        with naming_operations():
            return super().train()

    def val(self) -> dict:
        """Validate; see :func:`naming_operations`."""
        with naming_operations():
            return super().val()

    def test(self) -> dict:
        """Test; see :func:`naming_operations`."""
        with naming_operations():
            return super().test()
