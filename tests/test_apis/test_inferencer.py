"""Images from representations: shapes, streams, ends, errors."""
import numpy as np
import pytest
import torch
from PIL import Image

from rcg.apis import RCGInferencer, load_images
from rcg.checkpoint.finding import MissingCheckpointError
from rcg.engine import load_config


@pytest.fixture
def rcg(digits_root):
    """With few steps, which take time."""
    cfg = load_config('configs/digits/mage.py', [
        'model.generator.num_steps=3', 'model.rdm.sampler.num_steps=2'])
    return RCGInferencer(cfg, digits_root / 'mage', 'cpu')


@pytest.fixture
def digits(digits_root):
    cfg = load_config('configs/digits/mage.py')
    return load_images(cfg, ['0', '1', '2'])[0]


def baseline(root, name):
    return RCGInferencer(f'configs/digits/{name}.py', root / name, 'cpu')


def tensors(call, *args, **kwargs):
    return call(*args, output='tensor', **kwargs)


def test_a_missing_stage_is_named_by_its_command(tmp_path, monkeypatch):
    monkeypatch.setenv('RCG_ROOT', str(tmp_path))
    with pytest.raises(MissingCheckpointError,
                       match=r'tools/train\.py .*tokenizer\.py'):
        RCGInferencer('configs/digits/mage.py', tmp_path / 'mage', 'cpu')


def test_representations_are_those_of_training(rcg, digits):
    images = digits.float() / 127.5 - 1
    wanted = rcg.model.encode(images)['representations']
    found = rcg.encode(digits)
    assert torch.equal(found, wanted)
    assert found.shape == (3, 64)


def test_draw_j_of_any_image_has_stream_j(rcg, digits):
    both = tensors(rcg.reconstruct, digits, 3, seed=5)
    assert both.shape == (3, 3, 3, 16, 16)
    assert both.dtype == torch.uint8
    # However many are drawn, of however many images, in whichever batches.
    varied = tensors(rcg.vary, digits[1], 2, seed=5)
    assert torch.equal(varied, both[1, :2])
    assert torch.equal(tensors(rcg.reconstruct, digits[1:2], 3, seed=5)[0],
                       both[1])
    # Draws differ, and so do images and seeds.
    assert not torch.equal(both[0, 0], both[0, 1])
    assert not torch.equal(both[0, 0], both[1, 0])
    assert not torch.equal(tensors(rcg.vary, digits[1], 2, seed=6),
                           both[1, :2])


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
    wanted = rcg.encode(digits).repeat_interleave(2, 0)
    torch.testing.assert_close(representations, wanted)


def test_representations_may_be_drawn_from(rcg, digits):
    rows = rcg.encode(digits)
    drawn = tensors(rcg.draw, rows, 2, seed=4, batch_size=6)
    assert torch.equal(drawn, tensors(rcg.reconstruct, digits, 2, seed=4,
                                      batch_size=6))
    assert torch.equal(tensors(rcg.draw, rows[[2, 0]], 1, seed=4)[:, 0],
                       drawn[[2, 0], 0])


def test_interpolation_is_linear_and_ends_in_reconstructions(rcg, digits):
    seen = []
    draw = rcg.model.sample

    def spy(rng, labels=None, representations=None):
        seen.append((rng.keys, representations))
        return draw(rng, labels, representations)

    rcg.model.sample = spy
    images = tensors(rcg.interpolate, digits[0], digits[1], num=5, seed=3,
                     batch_size=5)
    (keys, mixed), = seen
    assert images.shape == (5, 3, 16, 16)
    assert keys.tolist() == [[3, 0]] * 5  # one noise for all steps
    first, last = rcg.encode(digits[:2])
    for i, t in enumerate((0, .25, .5, .75, 1)):
        torch.testing.assert_close(mixed[i], (1 - t) * first + t * last)
    assert mixed[2].std() < .99  # not standardized again
    ends = tensors(rcg.reconstruct, digits[:2], seed=3, batch_size=5)[:, 0]
    assert torch.equal(images[[0, -1]], ends)


def test_samples_are_the_same_in_other_company(rcg):
    images = tensors(rcg.sample, 5, seed=1, batch_size=4)
    assert images.shape == (5, 3, 16, 16)
    assert torch.equal(tensors(rcg.sample, 3, seed=1, batch_size=4),
                       images[:3])
    # Batches grow alike, however many images are wanted.
    auto = tensors(rcg.sample, 6, seed=1)
    assert torch.equal(tensors(rcg.sample, 2, seed=1), auto[:2])


def test_pixels_are_quantized_as_the_config_says(rcg):
    cut = tensors(rcg.sample, 4, seed=1).int()
    rcg.model.quantization = 'round'
    difference = tensors(rcg.sample, 4, seed=1).int() - cut
    assert set(difference.unique().tolist()) == {0, 1}


def test_outputs(rcg):
    wanted = tensors(rcg.sample, 2)
    arrays = rcg.sample(2, output='numpy')
    assert np.array_equal(arrays, wanted.permute(0, 2, 3, 1).numpy())
    for image, array in zip(rcg.sample(2), arrays, strict=True):
        assert isinstance(image, Image.Image)
        assert np.array_equal(np.asarray(image), array)
    rows = rcg.reconstruct(rcg.sample(2), 3)
    assert [len(row) for row in rows] == [3, 3]
    assert len(rcg.vary(arrays[0], 2)) == len(rcg.interpolate(*arrays, 2)) == 2
    first, = rcg.batches(2)
    assert [image.size for image in first] == [(16, 16)] * 2
    with pytest.raises(ValueError, match="one of pil, .*got 'jpeg'"):
        rcg.sample(1, output='jpeg')


def test_labels(digits_root, rcg):
    model = baseline(digits_root, 'mage_class_cond')
    assert (model.num_classes, rcg.num_classes) == (10, None)
    # The noise of image 1 is the same; its label is what makes it differ.
    same = tensors(model.sample, 2, labels=[3, 4], batch_size=2)
    other = tensors(model.sample, 2, labels=['3', 5], batch_size=2)
    assert torch.equal(same[0], other[0])
    assert not torch.equal(same[1], other[1])
    one = tensors(model.sample, 2, labels='3', batch_size=2)
    assert torch.equal(one, tensors(model.sample, 2, labels=torch.tensor(
        [3, 3]), batch_size=2))
    for labels, match in (([3], 'one label for each image, got 1 for 2'),
                          ([3, 10], r'in \[0, 10\), got 10'),
                          ('three', "named 'three'"),
                          (None, '10 classes: give labels')):
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
        rcg.interpolate(digits[0], digits[1], num=1)
    for call in (rcg.vary, lambda image, num: rcg.steps(num)):
        with pytest.raises(ValueError, match='at least 1, got 0'):
            call(digits[0], 0)
    with pytest.raises(ValueError, match='a single image, got 3'):
        rcg.vary(digits)


def test_a_config_without_a_model_is_refused(tmp_path):
    path = tmp_path / 'empty.py'
    path.write_text('_x = 1')
    with pytest.raises(ValueError, match=r"empty\.py' has no model"):
        RCGInferencer(str(path), 'gone')


def test_the_generator_computes_in_another_type(rcg):
    seen, network = [], rcg.model.generator.network
    network.register_forward_pre_hook(lambda *_: seen.append(
        torch.is_autocast_enabled('cpu')))
    plain = tensors(rcg.sample, 2)
    assert rcg.to(torch.bfloat16) is rcg
    assert seen == [False] * 3
    rcg.sample(2)
    next(rcg.steps(2))
    assert seen[3:] == [True] * 4
    assert not torch.is_autocast_enabled('cpu')  # nor between the steps
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    assert torch.equal(tensors(rcg.to('cpu', torch.float32).sample, 2), plain)
    with pytest.raises(ValueError, match="one of float32.*got 'int8'"):
        rcg.to(dtype=torch.int8)
