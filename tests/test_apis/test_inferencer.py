"""Images from representations: shapes, streams, ends, errors."""
import pytest
import torch

from rcg.apis import RCGInferencer, load_images
from rcg.checkpoint.finding import MissingCheckpointError
from rcg.engine import load_config


@pytest.fixture
def rcg(digits_root):
    return RCGInferencer('configs/digits/mage.py', digits_root / 'mage',
                         'cpu')


@pytest.fixture
def digits(digits_root):
    cfg = load_config('configs/digits/mage.py')
    return load_images(cfg, ['0', '1', '2'])[0]


def baseline(root, name):
    return RCGInferencer(f'configs/digits/{name}.py', root / name, 'cpu')


def test_a_missing_stage_is_named_by_its_command(tmp_path, monkeypatch):
    monkeypatch.setenv('RCG_ROOT', str(tmp_path))
    with pytest.raises(MissingCheckpointError,
                       match=r'tools/train\.py .*tokenizer\.py'):
        RCGInferencer('configs/digits/mage.py', tmp_path / 'mage', 'cpu')


def test_representations_are_those_of_training(rcg, digits):
    images = digits.float() / 127.5 - 1
    wanted = rcg.model.encode(images)['representations']
    found = rcg.represent(digits)
    assert torch.equal(found, wanted)
    assert found.shape == (3, 64)


def test_draw_j_of_any_image_has_stream_j(rcg, digits):
    both = rcg.reconstruct(digits, 3, seed=5)
    assert both.shape == (3, 3, 3, 16, 16)
    assert both.dtype == torch.uint8
    # However many are drawn, of however many images, in whichever batches.
    assert torch.equal(rcg.vary(digits[1], 2, seed=5), both[1, :2])
    assert torch.equal(rcg.reconstruct(digits[1:2], 3, seed=5)[0], both[1])
    # Draws differ, and so do images and seeds.
    assert not torch.equal(both[0, 0], both[0, 1])
    assert not torch.equal(both[0, 0], both[1, 0])
    assert not torch.equal(rcg.vary(digits[1], 2, seed=6), both[1, :2])


def test_representation_conditions_what_is_drawn(rcg, digits):
    """A draw is the model's sample of the image's representation."""
    seen = []
    draw = rcg.model.sample

    def spy(rng, labels=None, representations=None):
        seen.append((rng.keys, representations))
        return draw(rng, labels, representations)

    rcg.model.sample = spy
    rcg.reconstruct(digits, 2, seed=4, batch_size=6)
    (keys, representations), = seen
    assert keys.tolist() == [[4, 0], [4, 1]] * 3
    wanted = rcg.represent(digits).repeat_interleave(2, 0)
    torch.testing.assert_close(representations, wanted)


def test_interpolation_is_linear_and_ends_in_reconstructions(rcg, digits):
    seen = []
    draw = rcg.model.sample

    def spy(rng, labels=None, representations=None):
        seen.append((rng.keys, representations))
        return draw(rng, labels, representations)

    rcg.model.sample = spy
    images = rcg.interpolate(digits[0], digits[1], steps=5, seed=3,
                             batch_size=5)
    (keys, mixed), = seen
    assert images.shape == (5, 3, 16, 16)
    assert keys.tolist() == [[3, 0]] * 5  # one noise for all steps
    first, last = rcg.represent(digits[:2])
    for i, t in enumerate((0, .25, .5, .75, 1)):
        torch.testing.assert_close(mixed[i], (1 - t) * first + t * last)
    assert mixed[2].std() < .99  # not standardized again
    ends = rcg.reconstruct(digits[:2], seed=3, batch_size=5)[:, 0]
    assert torch.equal(images[[0, -1]], ends)


def test_samples_are_the_same_in_other_company(rcg):
    images = rcg.sample(5, seed=1, batch_size=4)
    assert images.shape == (5, 3, 16, 16)
    assert torch.equal(rcg.sample(3, seed=1, batch_size=4), images[:3])


def test_pixels_are_quantized_as_the_config_says(rcg):
    cut = rcg.sample(4, seed=1).int()
    rcg.model.quantization = 'round'
    difference = rcg.sample(4, seed=1).int() - cut
    assert set(difference.unique().tolist()) == {0, 1}


def test_labels(digits_root, rcg):
    model = baseline(digits_root, 'mage_class_cond')
    assert (model.num_classes, rcg.num_classes) == (10, None)
    # The noise of image 1 is the same; its label is what makes it differ.
    same = model.sample(2, labels=[3, 4], batch_size=2)
    other = model.sample(2, labels=[3, 5], batch_size=2)
    assert torch.equal(same[0], other[0])
    assert not torch.equal(same[1], other[1])
    for labels, match in (([3], 'one an image, got 1 for 2'),
                          ([3, 10], r'in \[0, 10\), got 10')):
        with pytest.raises(ValueError, match=match):
            model.sample(2, labels=labels)
    with pytest.raises(ValueError, match='takes no labels'):
        rcg.sample(2, labels=[0, 1])


def test_labels_of_a_class_conditional_rdm(digits_root):
    cfg = load_config('configs/digits/mage.py', {
        'model.rdm.checkpoint': None, 'model.rdm.num_classes': 7,
        'model.rdm.denoiser.context_dim': 8})
    model = RCGInferencer(cfg, digits_root / 'mage', 'cpu')
    assert model.num_classes == 7
    assert len(model.sample(1, labels=[6], batch_size=1)) == 1


def test_errors(rcg, digits, digits_root):
    for name, origin in (('mage_class_cond', 'labels'),
                         ('mage_uncond', 'nothing')):
        with pytest.raises(ValueError, match=f'draws images from {origin}.*'
                           'configs/digits/mage.py'):
            baseline(digits_root, name).vary(digits[0])
    with pytest.raises(ValueError, match='RDM draws no images'):
        baseline(digits_root, 'rdm')
    with pytest.raises(ValueError, match='at least 2, got 1'):
        rcg.interpolate(digits[0], digits[1], steps=1)
    with pytest.raises(ValueError, match='at least 1, got 0'):
        rcg.vary(digits[0], 0)
    with pytest.raises(ValueError, match=r'uint8, got \(3, 16, 16\)'):
        rcg.represent(digits[0])
    with pytest.raises(ValueError, match='float32'):
        rcg.represent(digits.float())


def test_a_config_without_a_model_is_refused(tmp_path):
    path = tmp_path / 'empty.py'
    path.write_text('_x = 1')
    with pytest.raises(ValueError, match=r"empty\.py' has no model"):
        RCGInferencer(str(path), 'gone')


@pytest.mark.parametrize('call', [
    lambda rcg, bad: rcg.represent(bad),
    lambda rcg, bad: rcg.reconstruct(bad),
    lambda rcg, bad: rcg.vary(bad),
    lambda rcg, bad: rcg.interpolate(bad, bad)])
@pytest.mark.parametrize('bad', ['a.png', None, torch.zeros(4, 4).byte(),
                                 [torch.zeros(3, 4, 4).byte()]])
def test_other_things_than_images_are_refused(rcg, call, bad):
    with pytest.raises(ValueError, match='must be a tensor .*load_images'):
        call(rcg, bad)
