"""The tokenizer and its decoder, at tiny sizes."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.engine.frozen_parts import frozen_parts
from rcg.registry import MODELS, TOKENIZERS
from rcg.rng import SampleRng
from tests.test_projects.test_rae.parts import (
    DECODER,
    ENCODER,
    NORMALIZATION,
    TOKENIZER,
    images,
)


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize(('encoder', 'channels', 'grid'), [
    (ENCODER, 6, 2),
    (dict(type='MoCoV3ViT', img_size=12, vit=dict(
        patch_size=4, embed_dim=12, depth=1, num_heads=3)), 12, 3),
    (dict(type='TimmEncoder', model='test_vit', pretrained=False,
          input_size=32), 64, 2)])
def test_codes_are_the_normalized_feature_map(encoder, channels, grid):
    """Of any encoder that has one."""
    tokenizer = TOKENIZERS.build(dict(
        TOKENIZER, encoder=encoder,
        normalization=dict(NORMALIZATION, num_channels=channels,
                           grid_size=grid),
        decoder=dict(DECODER, in_channels=channels, grid_size=grid)))
    tokenizer.normalization.mean += 2
    tokenizer.normalization.variance *= 9
    codes = tokenizer.encode(images())
    features = tokenizer.encoder.feature_map(images())
    torch.testing.assert_close(codes, (features - 2) / 3, rtol=1e-4,
                               atol=1e-5)
    assert codes.shape == (4, channels, grid, grid)
    assert tokenizer.decode(codes).shape == (4, 3, 4 * grid, 4 * grid)
    rng = SampleRng.from_seed(0, range(4))
    assert tokenizer.training_codes(codes, rng) is codes
    assert tokenizer.grid_size(4 * grid) == grid
    with pytest.raises(ValueError, match=f'{4 * grid} pixels a side, got 64'):
        tokenizer.grid_size(64)


def test_an_image_does_not_depend_on_its_batch():
    tokenizer = TOKENIZERS.build(TOKENIZER)
    whole, codes = tokenizer(images())
    for i in range(4):
        torch.testing.assert_close(tokenizer(images()[i:i + 1])[0],
                                   whole[i:i + 1])


def test_the_encoder_is_frozen_and_in_no_checkpoint():
    tokenizer = TOKENIZERS.build(TOKENIZER)
    assert [*frozen_parts(tokenizer)] == ['encoder']
    assert {name.split('.')[0] for name in tokenizer.state_dict()} == {
        'normalization', 'decoder'}
    tokenizer(images())[0].square().mean().backward()
    assert all(p.grad is not None for p in tokenizer.parameters())
    assert not any(p.requires_grad
                   for p in tokenizer.encoder.module.parameters())


def test_a_code_becomes_the_patch_at_its_place():
    """Without blocks a code reaches its own patch alone."""
    decoder = MODELS.build(dict(DECODER, depth=0))
    codes = torch.randn(1, 6, 2, 2)
    changed = codes.clone()
    changed[:, :, 0, 1] += 1  # upper right
    moved = (decoder(changed) != decoder(codes)).any(1)[0]
    wanted = torch.zeros(8, 8, dtype=torch.bool)
    wanted[:4, 4:] = True
    assert not moved[~wanted].any() and moved[wanted].any()


def test_pixels_of_a_patch_lie_as_in_an_image():
    """Rows within a patch are rows of the image."""
    decoder = MODELS.build(dict(DECODER, depth=0, grid_size=1))
    decoder.pixels.weight.data.zero_()
    decoder.pixels.bias.data = torch.arange(48.)
    image = decoder(torch.zeros(1, 6, 1, 1))[0]
    assert torch.equal(image, torch.arange(48.).view(3, 4, 4))


def test_parts_that_do_not_fit_are_refused():
    for changes in (dict(num_channels=5), dict(grid_size=3)):
        with pytest.raises(ValueError, match='same channels and grid'):
            TOKENIZERS.build(dict(TOKENIZER, normalization=dict(
                NORMALIZATION, **changes)))
