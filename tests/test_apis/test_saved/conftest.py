"""A saved model, and copies of it that cost nothing."""
import json
import os
import shutil

import pytest

from tests.untrained import inferencer


@pytest.fixture(scope='session')
def original(untrained):
    return inferencer(untrained, 2)


@pytest.fixture(scope='session')
def saved(original, tmp_path_factory):
    folder = tmp_path_factory.mktemp('saved') / 'model'
    original.save_pretrained(folder, license='cc-by-4.0')
    return folder


@pytest.fixture
def changed(saved, tmp_path):
    """Makes a copy with another index; its files are links."""
    def make(change=lambda index: None):
        folder = tmp_path / 'copy'
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name in os.listdir(saved):
            os.symlink(saved / name, folder / name)
        index = json.loads((saved / 'rcg.json').read_text())
        change(index)
        (folder / 'rcg.json').unlink()
        (folder / 'rcg.json').write_text(json.dumps(index))
        return folder
    return make
