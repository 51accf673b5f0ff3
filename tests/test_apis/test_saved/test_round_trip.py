"""A saved model draws the same bits, with nothing else around."""
import json
import os
import shutil

import pytest
import torch
from PIL import Image

from rcg.apis import RCGInferencer
from rcg.checkpoint import file_sha256
from rcg.engine import load_config


def names(folder):
    return sorted(os.listdir(folder))


def test_elsewhere_it_draws_the_same_bits(original, saved, tmp_path,
                                          monkeypatch):
    monkeypatch.setenv('RCG_ROOT', str(tmp_path / 'gone'))
    folder = tmp_path / 'moved'
    shutil.copytree(saved, folder)
    images = original.sample(3, seed=1, output='tensor')
    for load in (RCGInferencer.from_pretrained, RCGInferencer):
        model = load(folder, device='cpu')
        assert torch.equal(model.sample(3, seed=1, output='tensor'), images)
    assert torch.equal(model.vary(images[0], 2, output='tensor'),
                       original.vary(images[0], 2, output='tensor'))
    assert model.image_size == 16
    assert names(folder) == [
        'README.md', 'encoder.safetensors', 'generator.safetensors',
        'rcg.json', 'rdm.safetensors', 'tokenizer.safetensors']
    index = json.loads((folder / 'rcg.json').read_text())
    assert str(tmp_path) not in json.dumps(index)
    for name, told in index['files'].items():
        assert told == dict(bytes=(folder / name).stat().st_size,
                            sha256=file_sha256(str(folder / name)))


def test_it_can_be_saved_again(saved, tmp_path):
    RCGInferencer.from_pretrained(saved, device='cpu').save_pretrained(
        tmp_path / 'again')
    wanted, found = (json.loads((folder / 'rcg.json').read_text())
                     for folder in (saved, tmp_path / 'again'))
    assert found == wanted  # the license and all hashes, too


@pytest.mark.parametrize('name', [
    'mage_class_cond', 'mage_uncond', 'dit', 'ldm', 'adm'])
def test_every_generator(digits_root, name, tmp_path):
    cfg = load_config(f'configs/digits/{name}.py')
    if 'sampler' in cfg.model.generator:
        cfg.model.generator.sampler.num_steps = 4
    if cfg.model.get('rdm'):
        cfg.model.rdm.sampler.num_steps = 2
    model = RCGInferencer(cfg, digits_root / name, 'cpu')
    model.save_pretrained(tmp_path / 'a')
    again = RCGInferencer.from_pretrained(tmp_path / 'a', device='cpu')
    labels = '3' if name == 'mage_class_cond' else None
    assert torch.equal(*(one.sample(2, labels=labels, output='tensor')
                         for one in (model, again)))


def test_a_guide_goes_along(digits_root, tmp_path):
    cfg = load_config('configs/digits/mage.py', {
        'model.generator.num_steps': 2, 'model.generator.guidance_scale': 2,
        'model.rdm.sampler.num_steps': 2, 'model.generator.guidance': dict(
            guide=dict(checkpoint=str(digits_root / 'mage')))})
    model = RCGInferencer(cfg, digits_root / 'mage', 'cpu')
    for value in model.model.generator.guide.parameters():
        value.mul_(.9)
    model.save_pretrained(tmp_path / 'a')
    assert 'guide.safetensors' in names(tmp_path / 'a')
    again = RCGInferencer.from_pretrained(tmp_path / 'a', device='cpu')
    for one, other in zip(model.model.generator.guide.parameters(),
                          again.model.generator.guide.parameters(),
                          strict=True):
        assert torch.equal(one, other)


def test_an_encoder_of_timm_fetches_nothing(digits_root, tmp_path):
    cfg = load_config('configs/digits/mage.py', {
        'model.rdm.sampler.num_steps': 2, 'model.encoder': dict(
            _delete_=True, type='TimmEncoder', model='test_vit.r160_in1k',
            pretrained=False)})
    model = RCGInferencer(cfg, digits_root / 'mage', 'cpu')
    model.save_pretrained(tmp_path / 'a')
    told = json.loads((tmp_path / 'a/rcg.json').read_text())
    assert told['model']['encoder'] == dict(
        type='TimmEncoder', model='test_vit.r160_in1k', pretrained=False,
        checkpoint='encoder.safetensors')
    again = RCGInferencer.from_pretrained(tmp_path / 'a', device='cpu')
    image = Image.new('RGB', (20, 20), 'red')
    assert torch.equal(model.encode(image), again.encode(image))


def test_images_are_prepared_as_by_the_config(digits_root, tmp_path):
    cfg = load_config('configs/digits/mage.py', {
        '_held_out.pipeline': [
            dict(type='Resize', size=20),
            dict(type='RandomCrop', size=16), dict(type='RandomFlip')]})
    model = RCGInferencer(cfg, digits_root / 'mage', 'cpu')
    model.save_pretrained(tmp_path / 'a')
    again = RCGInferencer.from_pretrained(tmp_path / 'a', device='cpu')
    image = torch.randint(256, (3, 30, 40), dtype=torch.uint8)
    assert torch.equal(model.encode(image), again.encode(image))
    assert again._read.pipeline == [dict(type='Resize', size=20),
                                    dict(type='CenterCrop', size=16)]


def test_all_or_nothing(original, saved, tmp_path, monkeypatch):
    with pytest.raises(FileExistsError, match='not empty: remove'):
        original.save_pretrained(saved)
    (tmp_path / 'a').mkdir()  # empty ones are taken
    from rcg.apis.saved import writing
    monkeypatch.setattr(writing, 'write_card', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        original.save_pretrained(tmp_path / 'a')
    assert names(tmp_path) == ['a']
    assert not names(tmp_path / 'a')
    with pytest.raises(ValueError, match="license must be .*got 'My own'"):
        original.save_pretrained(tmp_path / 'a', license='My own')


def test_what_others_could_not_load_is_not_saved(original, tmp_path,
                                                 monkeypatch):
    cfg = original._source.cfg.copy()
    cfg.model = cfg.model.to_dict() | dict(name='a/b')
    monkeypatch.setattr(original, '_source', original._source._replace(
        cfg=cfg))
    with pytest.raises(ValueError, match=r"model\.name is 'a/b'"):
        original.save_pretrained(tmp_path / 'a')
    assert not names(tmp_path)


def test_the_card(original, saved, tmp_path, digits_root):
    text = (saved / 'README.md').read_text()
    assert text.startswith('---\nlicense: cc-by-4.0\n')
    assert "from_pretrained('model')" in text
    assert 'None were measured' in text
    sha256 = file_sha256(original.checkpoint)
    scores = {'held_out/fd': .25, 'protocol': dict(
        checkpoint=dict(sha256=sha256), quantization='truncate',
        samples=dict(count=1438, seed=3),
        sampling=dict(generator=dict(type='MAGE', guidance_scale=1.)),
        metrics=[dict(type='FrechetDistance', results=['held_out/fd'],
                      reference=dict(count=359, name='Digits | test',
                                     sha256='ab' * 32))])}
    (tmp_path / 'm.json').write_text(json.dumps(scores))
    (tmp_path / 'terms').write_text('Do good.')
    original.save_pretrained(tmp_path / 'a', str(tmp_path / 'terms'),
                             str(tmp_path / 'm.json'), 'me/digits')
    text = (tmp_path / 'a/README.md').read_text()
    for words in ('license: other', '| held_out/fd | 0.25 |', 'See `LICENSE`',
                  '- 1438 samples, seed 3', 'guidance_scale 1.0',
                  'against 359 images, Digits  test (abababababab)',
                  "from_pretrained('me/digits')"):
        assert words in text
    assert (tmp_path / 'a/LICENSE').read_text() == 'Do good.'
    assert json.loads((tmp_path / 'a/metrics.json').read_text()) == scores
    scores['protocol']['checkpoint']['sha256'] = 'cd' * 32
    (tmp_path / 'm.json').write_text(json.dumps(scores))
    with pytest.raises(ValueError, match='of another checkpoint .*cdcdcd'):
        original.save_pretrained(tmp_path / 'b',
                                 metrics=str(tmp_path / 'm.json'))


def test_scores_beside_the_checkpoint_are_of_it(original, digits_root):
    from rcg.apis.saved.run import scores_of
    path = digits_root / 'mage/metrics.json'
    try:
        for sha256, taken in ((file_sha256(original.checkpoint), True),
                              ('ab' * 32, False)):
            path.write_text(json.dumps(dict(protocol=dict(
                checkpoint=dict(sha256=sha256)))))
            assert (scores_of(original.checkpoint) is not None) is taken
    finally:
        path.unlink()
    assert scores_of(original.checkpoint) is None
