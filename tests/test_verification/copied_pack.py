"""A copy of stored cases, to be damaged."""
import shutil

from safetensors.torch import load_file, save_file

from tests.reference import CASES


def copy_cases(folder):
    """Two small cases, in a pack of their own."""
    for name in ('enc_deit', 'schedules'):
        shutil.copytree(CASES / name, folder / 'cases' / name)
    return folder


def change(path, edit):
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path)
