import pytest
import torch

from rcg.datasets import Digits, StreamItem
from rcg.evaluation import shared_extractor
from rcg.models.data_preprocessor import ImagePreprocessor
from rcg.pretraining.classifier import (
    ClassifierTraining,
    ConvClassifier,
    random_shift,
)
from rcg.registry import MODELS
from rcg.rng import SampleRng

CLASSIFIER = {'type': 'ConvClassifier', 'width': 8, 'feature_dim': 16}


def training(**changes):
    torch.manual_seed(0)
    return ClassifierTraining({**CLASSIFIER, **changes})


def batch_of(count):
    items = [StreamItem(i, i, 0) for i in range(count)]
    columns = Digits('train').__getitems__(items).columns
    return ImagePreprocessor()(columns)


def test_features_and_logits_of_uint8_images():
    classifier = ConvClassifier(num_classes=4)
    images = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    found = classifier(images)
    assert found['features'].shape == (3, 64)
    assert found['logits'].shape == (3, 4)
    assert torch.equal(found['logits'], classifier.head(found['features']))
    scaled = images.float() / 127.5 - 1
    assert torch.allclose(found['features'], classifier.features(scaled),
                          atol=1e-6)


def test_every_parameter_learns():
    model = training()
    losses = model(**batch_of(16), mode='loss')
    losses['loss_cross_entropy'].backward()
    assert all(parameter.grad.abs().sum() > 0
               for parameter in model.parameters())
    # MMEngine sums every term whose name contains "loss".
    assert [name for name in losses if 'loss' in name] == [
        'loss_cross_entropy']


def test_loss_falls():
    model, batch = training(), batch_of(64)
    optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
    losses = []
    for _ in range(30):
        loss = model(**batch, mode='loss')['loss_cross_entropy']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < .6 * losses[0]


def test_predictions_say_whether_they_are_right():
    model, batch = training().eval(), batch_of(12)
    outputs = model(**batch, mode='predict')
    logits = model(**batch, mode='tensor')
    assert [output['index'] for output in outputs] == list(range(12))
    for output, row, label in zip(outputs, logits, batch['labels'],
                                  strict=True):
        assert torch.equal(output['logits'], row)
        assert output['correct'] is bool(row.argmax() == label)


def test_shifts_move_whole_images():
    images = torch.arange(2 * 25.).view(2, 1, 5, 5)
    moved = random_shift(images, SampleRng.from_seed(0, [0, 1]), 1)
    offsets = SampleRng.from_seed(0, [0, 1]).randint(3, 2).tolist()
    for image, out, (top, left) in zip(images, moved, offsets, strict=True):
        # Content goes the way that the window does not.
        inside = out[:, 1:4, 1:4]
        assert torch.equal(inside, image[:, top:top + 3, left:left + 3])


def test_shifts_differ_and_repeat():
    images = torch.arange(25.).view(1, 1, 5, 5).repeat(40, 1, 1, 1)
    moved = random_shift(images, SampleRng.from_seed(0, range(40)), 1)
    assert len(moved.unique(dim=0)) == 9
    again = random_shift(images, SampleRng.from_seed(0, range(40)), 1)
    assert torch.equal(moved, again)
    assert torch.equal(random_shift(images, SampleRng.from_seed(
        0, range(40)), 0), images)


def test_metrics_read_it_from_a_training_checkpoint(tmp_path):
    model = training().eval()
    path = tmp_path / 'iter_1.pth'
    torch.save({'state_dict': model.state_dict()}, path)
    extractor = shared_extractor({**CLASSIFIER, 'checkpoint': str(path),
                                  'prefix': 'classifier.'})
    images = Digits('test').__getitems__([0, 1]).columns['images']
    with torch.no_grad():
        wanted = model.classifier(images)['features']
    assert torch.equal(extractor(images)['features'], wanted)


def test_is_built_by_name():
    model = MODELS.build({'type': 'ClassifierTraining',
                          'classifier': CLASSIFIER})
    assert isinstance(model.classifier, ConvClassifier)
    with pytest.raises(TypeError, match="no argument 'widht'.*'width'"):
        training(widht=3)
