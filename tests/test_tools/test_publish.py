"""tools/publish.py: a work folder becomes a folder that stands alone."""
import shutil

import pytest
import torch

from rcg.apis import RCGInferencer
from rcg.engine import load_config
from tools import publish


@pytest.fixture
def work(digits_root, tmp_path):
    cfg = load_config('configs/digits/mage.py', [
        'model.generator.num_steps=2', 'model.rdm.sampler.num_steps=2'])
    shutil.copytree(digits_root / 'mage', tmp_path / 'work')
    cfg.dump(str(tmp_path / 'work/mage.py'))
    return tmp_path / 'work'


def test_a_work_folder(work, tmp_path, capsys):
    args = publish.parse_args([str(work), str(tmp_path / 'out'),
                               '--license', 'mit'])
    publish.run(args)
    assert f"from_pretrained('{tmp_path / 'out'}')" in capsys.readouterr().out
    images = [model.sample(2, output='tensor') for model in (
        RCGInferencer(work, device='cpu'),
        RCGInferencer.from_pretrained(tmp_path / 'out', device='cpu'))]
    assert torch.equal(*images)
    with pytest.raises(FileExistsError, match='not empty: remove'):
        publish.run(args)


def test_a_config_and_its_checkpoint_are_uploaded(work, tmp_path,
                                                  monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(RCGInferencer, 'push_to_hub', lambda self, *args,
                        **options: calls.append((args, options)) or 'there')
    publish.run(publish.parse_args([
        'digits/mage', str(work), str(tmp_path / 'out'), '--push', 'me/x']))
    assert calls == [(('me/x', ), dict(private=True, license=None,
                                       metrics=None))]
    assert capsys.readouterr().out.endswith('there\n')
    assert "from_pretrained('me/x')" in (
        tmp_path / 'out/README.md').read_text()


def test_too_many_names(capsys):
    with pytest.raises(SystemExit):
        publish.parse_args(['a', 'b', 'c', 'd'])
    assert 'WORK_DIR OUT, or CONFIG' in capsys.readouterr().err
