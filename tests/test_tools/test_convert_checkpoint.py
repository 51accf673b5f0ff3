"""tools/convert_checkpoint.py: there, back, and what it says of bad files."""
import argparse
import json
import os

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from rcg.checkpoint import CheckpointError, load_weights, read_checkpoint
from rcg.converters.parts import same_bits
from rcg.models.encoders import MoCoV3ViT
from tests.test_converters import test_kl_f8
from tests.test_converters.test_parts import CASES, WITHOUT_AVERAGES
from tools import convert_checkpoint

from ..reference import load_case
from ..test_checkpoint.crafted import crafted
from ..test_engine.running import run_tool

NESTING = {'enc_mocov3': 'state_dict', 'enc_dino': 'teacher',
           'rdm_uncond': 'model', 'mage_rep': 'model', 'ldm_rep': 'model'}
# The encoder of the case enc_mocov3.
ENCODER = dict(img_size=224, vit=dict(patch_size=16, embed_dim=64, depth=2,
                                      num_heads=4),
               projector_hidden_dim=128, projector_dim=32)


@pytest.fixture
def tool():
    """Runs the tool in this process."""
    return lambda *args: convert_checkpoint.run(
        convert_checkpoint.parse_args(list(map(str, args))))


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'encoder.py'
    path.write_text(f"encoder = dict(type='MoCoV3ViT', **{ENCODER})\n")
    return path


def write_published(folder, case):
    """The weights of a case, as a trainer would have published them."""
    weights = load_case(case)[1]
    path = folder / 'published.pth'
    key = NESTING.get(case)
    torch.save({key: weights, 'epoch': 3, 'model_ema': None,
                'args': argparse.Namespace(lr=.1)} if key else weights, path)
    return path, weights, key


def read_metadata(path):
    with safe_open(path, 'pt') as file:
        return file.metadata()


def assert_same(a, b):
    assert a.keys() == b.keys()
    assert all(same_bits(a[name], b[name]) for name in a)


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('suffix', ['safetensors', 'pth'])
def test_round_trip(tool, tmp_path, case, suffix):
    path, weights, key = write_published(tmp_path, case)
    extra = ['--pth'] if suffix == 'pth' else []
    extra += ['--live'] if case in WITHOUT_AVERAGES else []
    tool(path, '--out', tmp_path / 'parts', *extra)
    parts = sorted((tmp_path / 'parts').iterdir())
    assert all(part.suffix == '.' + suffix for part in parts)
    tool('--to-published', *parts, '--out', tmp_path / 'back.pth')
    back = torch.load(tmp_path / 'back.pth', weights_only=True)
    assert list(back) == [key] if key else True
    assert_same(back[key] if key else back, weights)


@pytest.mark.slow
def test_round_trip_by_the_command_line(tmp_path):
    path, weights, _ = write_published(tmp_path, 'mage_rep')
    done = run_tool('convert_checkpoint.py', path, cwd=tmp_path,
                    RCG_WEIGHTS=str(tmp_path / 'w'))
    for text in ('a MAGE generator of RCG', "under 'model'",
                 'left out: epoch, model_ema, args', '67 tensors used, 9 not',
                 '8 not used: its forward pass', 'still needed:',
                 'rdm_mocov3_vit_32x2', 'tools/sample.py'):
        assert text in done.stdout
    assert 'lr' not in done.stdout
    parts = sorted((tmp_path / 'w').iterdir())
    assert len(parts) == 3
    out = tmp_path / 'back.safetensors'
    run_tool('convert_checkpoint.py', '--to-published', *parts, '--out', out)
    assert_same(load_file(out), weights)
    done = run_tool('convert_checkpoint.py', '--to-published', *parts,
                    '--out', out, check=False)
    assert done.returncode == 1
    assert 'exists; give another name' in done.stderr


def test_the_converted_file_loads_and_tells_its_origin(tool, tmp_path,
                                                       config, capsys):
    path, weights, _ = write_published(tmp_path, 'enc_mocov3')
    tool(path, '--out', tmp_path / 'mine.safetensors', '--config', config)
    assert 'nothing missing' in capsys.readouterr().out
    encoder = MoCoV3ViT(**ENCODER)
    load_weights(encoder, tmp_path / 'mine.safetensors')
    torch.testing.assert_close(
        encoder.backbone.norm.weight,
        weights['module.base_encoder.norm.weight'].float())
    told = read_metadata(tmp_path / 'mine.safetensors')
    assert told['format'] == 'mocov3'
    assert told['part'] == 'encoder'
    assert told['source'] == 'published.pth'
    assert len(told['source_sha256']) == 64
    assert told['config_name'].startswith('configs/_base_/encoders/mocov3')
    assert {'rcg_version', 'source_key'} <= told.keys()


def test_lean_files_are_smaller_and_have_no_way_back(tool, tmp_path):
    path, _, _ = write_published(tmp_path, 'enc_mocov3')
    lean = tmp_path / 'lean.safetensors'
    tool(path, '--out', lean, '--lean')
    assert not any('published' in name for name in read_checkpoint(lean))
    with pytest.raises(CheckpointError, match='14 tensors.*without --lean'):
        tool('--to-published', lean, '--out', tmp_path / 'back.pth')
    tool(path, '--out', lean)  # the same weights, and what was left out
    tool('--to-published', lean, '--out', tmp_path / 'back.pth')


def test_what_is_there_is_not_written_twice(tool, tmp_path, capsys):
    path, _, _ = write_published(tmp_path, 'mage_rep')
    out = tmp_path / 'parts'
    tool(path, '--out', out)
    (out / 'mage_64x2_mocov3_vit_32x2.safetensors').unlink()
    before = {file: file.stat().st_mtime_ns for file in out.iterdir()}
    capsys.readouterr()
    tool(path, '--out', out)
    said = capsys.readouterr().out
    assert said.count('is already there with the same weights') == 2
    assert all(file.stat().st_mtime_ns == at for file, at in before.items())
    # Another encoder under the same name: nothing is written at all.
    (out / 'mage_64x2_mocov3_vit_32x2.safetensors').unlink()
    save_file({'a': torch.ones(1)}, out / 'mocov3_vit_32x2.safetensors')
    with pytest.raises(FileExistsError, match='holds other weights.*--out'):
        tool(path, '--out', out)
    assert not list(out.glob('mage*'))


def test_live_weights(tool, tmp_path):
    path, weights, _ = write_published(tmp_path, 'rdm_uncond')
    for flags, prefix in (([], 'model_ema.diffusion_modelinput_projbias'),
                          (['--live'], 'model.diffusion_model.input_proj.bias'
                           )):
        out = tmp_path / f'{len(flags)}' / 'rdm.safetensors'
        tool(path, '--out', out, *flags)
        assert same_bits(read_checkpoint(out)['denoiser.input_proj.bias'],
                         weights[prefix])
        assert json.loads(read_metadata(out)['options']) == {
            'averaged': not flags}


@pytest.mark.parametrize(('case', 'name', 'ours'), [
    ('adm_uncond', 'out.2.bias', 'conv_out.bias'),
    ('dit_rep', 'final_layer.linear.bias', 'output.linear.bias')])
def test_averages_in_an_entry_of_their_own(tool, tmp_path, case, name, ours):
    live = load_case(case)[1]
    path, averages = tmp_path / 'a.pth', live | {name: live[name] + 1}
    torch.save({'model': live, 'model_ema': averages}, path)
    for flags, key, weights in (([], 'model_ema', averages),
                                (['--live'], 'model', live)):
        out = tmp_path / key / 'a.safetensors'
        tool(path, '--out', out, *flags)
        assert same_bits(read_checkpoint(out)['generator.network.' + ours],
                         weights[name])
        tool('--to-published', out, '--out', out.parent / 'back.pth')
        back = torch.load(out.parent / 'back.pth', weights_only=True)
        assert_same(back.pop(key), weights)
        assert not back


@pytest.mark.parametrize('layout', ['DIFFUSERS', 'OLD'])
def test_spelling_of_a_tokenizer_is_restored(tool, tmp_path, layout):
    state = test_kl_f8.published(getattr(test_kl_f8, layout),
                                 **test_kl_f8.SMALL)
    save_file(state, tmp_path / 'a.safetensors')
    tool(tmp_path / 'a.safetensors', '--out', tmp_path / 'parts')
    tool('--to-published', tmp_path / 'parts' / 'kl_f2_32x4.safetensors',
         '--out', tmp_path / 'back.safetensors')
    assert_same(load_file(tmp_path / 'back.safetensors'), state)


def test_parts_of_another_file_are_refused(tool, tmp_path):
    path, weights, _ = write_published(tmp_path, 'mage_rep')
    tool(path, '--out', tmp_path / 'a')
    name = 'pretrained_encoder.norm.bias'
    torch.save({'model': weights | {name: weights[name] + 1}}, path)
    tool(path, '--out', tmp_path / 'b')
    mage, mask, moco = sorted((tmp_path / 'a').iterdir())
    mage, moco = sorted([mage, mask])[0], mage.parent / (
        'mocov3_vit_32x2.safetensors')
    mask = mage.parent / 'maskgit_vqgan_64x32.safetensors'
    out = tmp_path / 'back.pth'
    with pytest.raises(CheckpointError, match='other weights than the mocov3'
                       ):
        tool('--to-published', mage, mask, tmp_path / 'b' / moco.name,
             '--out', out)
    with pytest.raises(CheckpointError, match='Give one of each'):
        tool('--to-published', mage, mask, '--out', out)
    with pytest.raises(CheckpointError, match='not written by'):
        tool('--to-published', path, '--out', out)
    tool('--to-published', moco, mage, mask, '--out', out)  # in any order


@pytest.mark.parametrize(('change', 'text'), [
    (lambda w: w.pop('module.base_encoder.norm.bias'),
     r'missing \(1\): backbone.norm.bias'),
    (lambda w: w.update({'module.base_encoder.cls_token': torch.ones(1, 1, 9)}
                        ), r'cls_token: wanted \(1, 1, 64\), got \(1, 1, 9\)')
])
def test_a_config_that_does_not_fit(tool, tmp_path, config, change, text):
    weights = dict(load_case('enc_mocov3')[1])
    change(weights)
    torch.save({'state_dict': weights}, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match=text):
        tool(tmp_path / 'a.pth', '--out', tmp_path / 'w', '--config', config)
    assert not (tmp_path / 'w').exists()


def test_the_full_size_config_is_found_and_checked(tool, tmp_path):
    """A file of the right size but cut short does not pass."""
    state = {'backbone.cls_token': torch.ones(1, 1, 768),
             'backbone.norm.weight': torch.ones(768),
             'head.mlp.0.weight': torch.ones(1),
             'backbone.blocks.11.norm1.weight': torch.ones(768)}
    torch.save({'teacher': state}, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError,
                       match=r'dino_vit_b.py.*DINOViT.*missing \(15\d\)'):
        tool(tmp_path / 'a.pth', '--out', tmp_path / 'w')


def test_bad_files(tool, tmp_path, capsys):
    path, witness = tmp_path / 'a.pth', tmp_path / 'executed'
    path.write_text('<!DOCTYPE html><title>Google Drive</title>')
    with pytest.raises(CheckpointError, match='web page.*browser'):
        tool(path)
    torch.save({'w': torch.ones(1)}, path)
    with pytest.raises(CheckpointError, match="a.pth': Its format is not kno"
                       ):
        tool(path)
    weights = load_case('enc_mocov3')[1]
    torch.save({'state_dict': weights | {'x': torch.ones(1)}}, path)
    with pytest.raises(CheckpointError, match='not explained: x'):
        tool(path)
    torch.save({'state_dict': weights, 'args': crafted('system', witness)},
               path)
    tool(path, '--out', tmp_path / 'w')
    assert not witness.exists()
    assert 'left out: args' in capsys.readouterr().out
    os.truncate(path, os.path.getsize(path) // 2)
    with pytest.raises(CheckpointError, match='truncated'):
        tool(path)
    with pytest.raises(ValueError, match='--format vqvae: known are mage'):
        tool(path, '--format', 'vqvae')


def test_usage(tool, capsys):
    for args in ([], ['a.pth', '--to-published', 'b'],
                 ['--to-published', 'b']):
        with pytest.raises(SystemExit):
            tool(*args)
    assert 'needs --out FILE' in capsys.readouterr().err
