"""All stages on digits: two steps of each, then all that draws images."""
from pathlib import Path

import pytest
import torch

from rcg.apis import RCGInferencer, load_images, store_representations, train
from rcg.engine import load_config
from rcg.projects.dlc import __main__ as command
from rcg.projects.dlc.compose import compose, composed
from rcg.registry import MODELS
from rcg.rng import SampleRng

CONFIGS = Path(__file__).parents[3] / 'projects/dlc/configs/digits'
SHORT = {'train_cfg.max_samples': 16, 'train_dataloader.batch_size': 8}
FEW = {'model.generator.sampler.num_steps': 2,
       'model.rdm.sampler.num_steps': 3}


def config(name):
    return str(CONFIGS / f'{name}.py')


@pytest.fixture(scope='module')
def root(untrained, tmp_path_factory):
    """A folder of stages, each trained for two steps."""
    root = tmp_path_factory.mktemp('dlc')
    for name in ('tokenizer', 'latents'):
        (root / name).symlink_to(untrained / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('RCG_ROOT', str(root))
        encoder = train(config('dlc_encoder'), options=SHORT | {
            'train_cfg.val_interval': 100})
        prior = train(config('dlc_prior'), options=SHORT | {
            'train_cfg.val_interval': 2, 'val_dataloader.dataset.num_images':
            16, 'model.sampler.num_steps': 3})
        generator = train(config('dlc_dit'), options=SHORT | FEW | {
            'custom_hooks': []})
    assert all(runner.iter == 2 for runner in (encoder, prior, generator))
    return root


@pytest.fixture
def dlc(root, monkeypatch):
    monkeypatch.setenv('RCG_ROOT', str(root))
    cfg = load_config(config('dlc_dit'), FEW)
    return RCGInferencer(cfg, root / 'dlc_dit', 'cpu')


@pytest.fixture
def digits(root, monkeypatch):
    monkeypatch.setenv('RCG_ROOT', str(root))
    return load_images(load_config(config('dlc_dit')), ['0', '1', '2'])[0]


def test_four_images_twice(dlc):
    first = dlc.sample(4, seed=3, output='tensor')
    assert first.shape == (4, 3, 16, 16)
    assert torch.equal(dlc.sample(4, seed=3, output='tensor'), first)
    # In other company.
    assert torch.equal(dlc.sample(2, seed=3, batch_size=1, output='tensor'),
                       first[:2])
    assert not torch.equal(dlc.sample(4, seed=4, output='tensor'), first)


def test_codes_are_ids(dlc, digits):
    codes = dlc.encode(digits)
    assert codes.shape == (3, 16) and codes.dtype == torch.int64
    rng = SampleRng.from_seed(0, range(5))
    drawn = dlc.model.sample_representations(rng)
    assert drawn.shape == (5, 16) and drawn.dtype == torch.int64
    assert drawn.min() >= 0 and drawn.max() < 16
    found = dlc.nearest(digits, digits, k=3)
    others = (codes[:, None] != codes[found.indices]).sum(2)
    assert others.any() and not others[:, 0].any()
    torch.testing.assert_close(found.distances.square(), others.double())


def test_images_of_codes(dlc, digits):
    rows = dlc.reconstruct(digits, 2, seed=1, output='tensor')
    assert rows.shape == (3, 2, 3, 16, 16)
    assert torch.equal(dlc.vary(digits[1], 2, seed=1, output='tensor'),
                       rows[1])
    seen, draw = [], dlc.model.sample

    def spy(rng, labels=None, representations=None):
        seen.append(representations)
        return draw(rng, labels, representations)

    dlc.model.sample = spy
    between = dlc.interpolate(digits[0], digits[1], 5, seed=1,
                              batch_size=5, output='tensor')
    assert torch.equal(between[[0, 4]], rows[:2, 0])
    first, last = dlc.encode(digits[:2])
    codes = seen[0]
    assert torch.equal(codes[[0, 4]], torch.stack([first, last]))
    assert ((codes == first) | (codes == last)).all()


def test_guidance(dlc):
    """Its null condition is another one than any code."""
    condition = dlc.model.generator.network.condition_embed
    torch.nn.init.normal_(condition.table.weight)
    network = dlc.model.generator.network
    for block in network.blocks:  # two steps have hardly moved them
        torch.nn.init.normal_(block.modulation.weight, std=.1)
    torch.nn.init.normal_(network.output.linear.weight, std=.1)
    plain = dlc.sample(2, output='tensor')
    assert not torch.equal(dlc.sample(2, guidance=4., output='tensor'), plain)
    assert torch.equal(dlc.sample(2, guidance=0., output='tensor'), plain)


def test_composition(dlc, digits):
    rng = SampleRng.from_seed(0, range(3))
    first, second = torch.zeros(1, 16).long(), torch.ones(1, 16).long()
    codes = composed(first, second, rng)
    assert codes.sum(1).tolist() == [8, 8, 8]  # half of the tokens
    assert not torch.equal(codes[0], codes[1])  # of other places
    assert composed(first, second, rng, .25).sum(1).tolist() == [4, 4, 4]
    drawn = compose(dlc, digits[0], digits[1], 3, output='tensor')
    assert drawn.shape == (3, 3, 16, 16)
    same = compose(dlc, digits[0], digits[1], 1, share=0., output='tensor')
    assert torch.equal(same, dlc.vary(digits[0], 1, output='tensor'))
    with pytest.raises(ValueError, match=r'share must be in \[0, 1\], got 2'):
        compose(dlc, digits[0], digits[1], share=2)


def test_its_command(root, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('RCG_ROOT', str(root))
    options = [f'{key}={value}' for key, value in FEW.items()]
    monkeypatch.setattr('sys.argv', [
        'dlc', config('dlc_dit'), str(root / 'dlc_dit'), '--first', '0', '1',
        '--second', '2', '3', '4', '--out', str(tmp_path), '--device', 'cpu',
        '--cfg-options', *options])
    command.main()
    assert capsys.readouterr().out.endswith(f'{tmp_path}/grid.png\n')
    assert len([*tmp_path.glob('0*.png')]) == 6


def test_composition_of_vectors(digits, digits_root):
    """A model of RCG beside it: half of the numbers of each."""
    first, second = torch.zeros(1, 6), torch.ones(1, 6)
    mixed = composed(first, second, SampleRng.from_seed(0, range(2)))
    assert mixed.dtype == torch.float32 and mixed.sum(1).tolist() == [3, 3]
    model = RCGInferencer('configs/digits/mage.py', digits_root / 'mage',
                          'cpu')
    drawn = compose(model, digits[0], digits[1], 1, share=0., output='tensor')
    assert torch.equal(drawn, model.vary(digits[0], 1, output='tensor'))


def test_codes_of_real_digits(root, monkeypatch):
    """The oracle: they are stored as integers, and drawn."""
    monkeypatch.setenv('RCG_ROOT', str(root))
    file = root / 'codes.safetensors'
    assert store_representations(config('dlc_prior'), str(file),
                                 work_dir=str(root / 'x')) == (1438, 16)
    cfg = load_config(config('dlc_mage_oracle'))
    model = MODELS.build(cfg.model)
    drawn = model.sample_representations(SampleRng.from_seed(0, range(3)))
    assert drawn.dtype == torch.int64 and drawn.shape == (3, 16)
    with pytest.raises(ValueError, match='token ids, which have no mean'):
        store_representations(config('dlc_prior'), str(file), clusters=4,
                              work_dir=str(root / 'x'))


def test_a_prior_of_classes(root, monkeypatch):
    """Labels go where an RDM's go."""
    monkeypatch.setenv('RCG_ROOT', str(root))
    cfg = load_config(config('dlc_prior'), {
        'model.num_classes': 10, 'model.denoiser.context_dim': 8,
        'model.sampler.num_steps': 3}).model
    prior = MODELS.build(cfg)
    rng = SampleRng.from_seed(0, range(4))
    images = torch.rand(4, 3, 16, 16) * 2 - 1
    labels = torch.tensor([0, 1, 0, 1])
    losses = prior(mode='loss', images=images, rng=rng, labels=labels)
    losses['loss_tokens'].backward()
    assert all(p.grad is not None for p in prior.parameters())
    torch.nn.init.normal_(prior.label_embed.weight, std=9.)
    drawn = [prior.eval().sample(SampleRng.from_seed(0, range(4)), labels)
             for labels in (torch.zeros(4).long(), torch.ones(4).long())]
    assert not torch.equal(*drawn)
    with pytest.raises(ValueError, match='needs `labels`'):
        prior.sample(rng)


def test_codes_of_another_vocabulary_are_refused(root, monkeypatch):
    monkeypatch.setenv('RCG_ROOT', str(root))
    cfg = load_config(config('dlc_dit'), {
        'model.generator.network.condition.num_codes': 8}).model
    with pytest.raises(ValueError, match='model.encoder gives representations '
                       'of ids of 16 codes, the generator takes ids of 8'):
        MODELS.build(cfg)
    cfg = load_config(config('dlc_prior'), {
        'model.denoiser.num_codes': 8}).model
    with pytest.raises(ValueError, match='the encoder gives .* the denoiser '
                       'takes ids of 8 codes'):
        MODELS.build(cfg)
