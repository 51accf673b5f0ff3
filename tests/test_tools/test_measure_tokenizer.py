"""tools/measure_tokenizer.py on random tokenizers and images."""
import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from rcg.apis.tokenizer_quality import judge
from rcg.checkpoint import file_sha256, save_atomically
from rcg.engine import load_config
from rcg.evaluation import frechet_distance
from rcg.registry import MODELS, TOKENIZERS
from tools import measure_tokenizer as tool

from ..test_engine.running import run_tool
from ..test_evaluation.toy import ToyExtractor

EXTRACTOR = dict(type=ToyExtractor.__name__)
TOKENIZERS_BY_NAME = dict(
    ids=dict(type='VQGAN', dim=32, dim_mult=(1, 1), num_res_blocks=0,
             z_dim=4, num_codes=8),
    latents=dict(type='LatentVQGAN', dim=32, dim_mult=(1, 1),
                 num_res_blocks=1, num_codes=8, attention_levels=(1, )),
    moments=dict(type='AutoencoderKL', dim=32, dim_mult=(1, 1),
                 num_res_blocks=1))


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(7):
        path = tmp_path / 'images' / 'ab'[i % 2] / f'{i}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        small = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
        Image.fromarray(small).resize((20, 30 + i)).save(path)
    return tmp_path


def write(folder, name, **more):
    """A config and weights of a random tokenizer."""
    torch.manual_seed(0)
    tokenizer = TOKENIZERS.build(TOKENIZERS_BY_NAME[name])
    if hasattr(tokenizer, 'quantizer'):
        torch.nn.init.normal_(tokenizer.quantizer.codebook)
    save_atomically(tokenizer.state_dict(), folder / 'weights.pth')
    content = dict(tokenizer=dict(TOKENIZERS_BY_NAME[name],
                                  checkpoint='elsewhere'), **more)
    config = folder / 'config.py'
    config.write_text(''.join(f'{k} = {v!r}\n' for k, v in content.items()))
    return [str(config), str(folder / 'weights.pth'), str(folder / 'images'),
            '--size', '16', '--out', str(folder / 'out' / 'metrics.json')]


def pairs_of(picture):
    """Originals and reconstructions (N, 3, 16, 16) of a grid."""
    rows = np.asarray(picture).shape[0] // 130
    columns = np.asarray(picture).shape[1] // 66
    tiles = [np.asarray(picture)[y * 130 + 2:, x * 66 + 2:][:128:4, :64:4]
             for y in range(rows) for x in range(columns)]
    tiles = torch.from_numpy(np.stack(tiles)).permute(0, 3, 1, 2)
    return tiles[:, :, :16], tiles[:, :, 16:]


@pytest.mark.parametrize('name', list(TOKENIZERS_BY_NAME))
def test_metrics_are_those_of_the_pictures(name, folder, capsys):
    arguments = write(folder, name, extractor=EXTRACTOR)
    tool.run(tool.parse_args([*arguments, '--device', 'cpu',
                              '--batch-size', '3']))
    found = json.loads((folder / 'out' / 'metrics.json').read_text())
    originals, images = (x[:7] for x in pairs_of(
        Image.open(folder / 'out' / 'grid.png')))
    cfg = load_config(arguments[0]).tokenizer
    cfg.pop('checkpoint')
    tokenizer = TOKENIZERS.build(cfg).requires_grad_(False)
    tokenizer.load_state_dict(torch.load(arguments[1]))
    wanted = tokenizer(originals / 127.5 - 1)[0].add(1).mul(127.5)
    error = wanted.clamp(0, 255) - images  # cut off, not rounded
    assert error.min() > -.01
    assert error.max() < 1.01
    mse = (originals.double() - images.double()).square().mean()
    assert found['psnr'] == pytest.approx(
        10 * (255**2 / mse).log10().item(), abs=1e-4)
    assert -1 < found['ssim'] < 1
    moments = [(x.mean(0), x.T.cov()) for x in (
        ToyExtractor()(x)['features'].detach().double()
        for x in (images, originals))]
    assert found['rfd'] == pytest.approx(
        frechet_distance(*moments[0], *moments[1]), rel=1e-3)
    assert (found['size'], found['num']) == (16, 7)
    assert found['sha256'] == file_sha256(arguments[1])
    assert f'psnr {found["psnr"]:.4g}' in capsys.readouterr().out


@pytest.mark.parametrize('name', ['ids', 'moments'])
def test_size_and_images_are_those_of_the_config(name, folder, capsys):
    images = dict(type='ImageFolder', data_root=str(folder / 'images'),
                  pipeline=[dict(type='Resize', size=24),
                            dict(type='CenterCrop', size=24)])
    config, weights, _, *_ = write(
        folder, name, extractor=EXTRACTOR,
        train_dataloader=dict(dataset=images))
    out = ['--out', str(folder / 'metrics.json')]
    for more, size, num in (([], 24, 7), (['--num', '3'], 24, 3),
                            (['--size', '32'], 32, 7),
                            ([str(folder / 'images' / 'a')], 24, 4)):
        tool.run(tool.parse_args([config, weights, *more, *out]))
        found = json.loads((folder / 'metrics.json').read_text())
        assert (found['size'], found['num']) == (size, num)
        assert f'{size}x{size} pixels' in capsys.readouterr().out
        assert ('codes_used' in found) == (name == 'ids')
        assert found['hue_kept'] <= 1


@pytest.mark.parametrize(('change', 'words'), [
    ({}, []),
    ({'psnr': 17.5}, ['Details are lost: PSNR 17.5 dB']),
    ({'hue_kept/green': .03, 'hue_kept/red': .49},
     [r'green \(3% of its pixels keep it\), red \(49%']),
    ({'codes_used': 30}, ['Only 30 of 64 codes'])])
def test_what_is_lost_is_said(change, words):
    scores = {'psnr': 25., 'hue_kept/green': .9, 'hue_kept/red': .8,
              'codes': 64, 'codes_used': 60} | change
    found = judge(scores)
    assert len(found) == len(words)
    for sentence, word in zip(found, words, strict=True):
        assert re.search(word, sentence)


def test_a_part_of_the_folder(folder):
    arguments = write(folder, 'ids', extractor=EXTRACTOR)
    tool.run(tool.parse_args([*arguments, '--num', '4']))
    found = json.loads((folder / 'out' / 'metrics.json').read_text())
    originals, _ = pairs_of(Image.open(folder / 'out' / 'grid.png'))
    assert (found['num'], len(originals)) == (4, 4)


@pytest.mark.parametrize(('name', 'trainer'), [
    ('ids', 'VQTraining'), ('moments', 'KLTraining')])
def test_a_tokenizer_that_was_trained_here(name, trainer, folder):
    # It is that of the model, whatever else the config mentions.
    cfg = dict(type=trainer, tokenizer=TOKENIZERS_BY_NAME[name])
    arguments = write(folder, 'latents', extractor=EXTRACTOR, model=cfg)
    save_atomically({'state_dict': MODELS.build(cfg).state_dict()},
                    arguments[1])
    tool.run(tool.parse_args(arguments))
    assert (folder / 'out' / 'metrics.json').exists()


def test_without_inception_the_rest_is_measured(folder, monkeypatch,
                                                capsys):
    monkeypatch.setenv('TORCH_HOME', str(folder))
    arguments = write(folder, 'ids')
    tool.run(tool.parse_args(arguments))
    found = json.loads((folder / 'out' / 'metrics.json').read_text())
    assert found.keys() >= {'psnr', 'ssim'}
    assert not found.keys() & {'rfid', 'rfd'}
    lines = [line for line in capsys.readouterr().out.splitlines()
             if line.startswith('without rFID')]
    assert len(lines) == 1
    assert 'weights-inception' in lines[0]
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        tool.run(tool.parse_args([*arguments, '--inception', 'nowhere.pth']))


def test_size_that_does_not_divide(folder):
    arguments = write(folder, 'latents')
    with pytest.raises(ValueError, match='factor 2, got 17'):
        tool.run(tool.parse_args([*arguments, '--size', '17']))


def test_config_without_a_tokenizer(folder):
    arguments = write(folder, 'ids')
    (folder / 'config.py').write_text("work_dir = 'a'\n")
    with pytest.raises(ValueError, match=r'defines no tokenizer'):
        tool.run(tool.parse_args(arguments))


@pytest.mark.slow
def test_empty_folder_is_one_sentence(folder):
    arguments = write(folder, 'ids')
    (folder / 'none').mkdir()
    arguments[2] = str(folder / 'none')
    done = run_tool('measure_tokenizer.py', *arguments, check=False)
    assert done.returncode == 1
    assert 'is empty. Put images into it' in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (folder / 'out').exists()
