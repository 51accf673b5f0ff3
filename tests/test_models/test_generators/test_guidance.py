"""Guidance: off, scale, schedule, interval, a weaker network."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.checkpoint import save_atomically
from rcg.models.generators.guidance import Guidance, guided
from rcg.registry import PIXEL_GENERATORS
from rcg.rng import SampleRng
from tests.test_models import tiny

REP = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def generator(kind, **changes):
    cfg = dict(mage=tiny.generator, dit=tiny.diffusion,
               flow=tiny.flow)[kind]()
    network = dict(cfg['network'], **changes.pop('network', {}))
    model = PIXEL_GENERATORS.build({**cfg, 'network': network, **changes})
    for p in model.parameters():  # nothing may be zero, or all is alike
        torch.nn.init.normal_(p, std=.2)
    return model.eval()


def draw(model):
    return model.sample(REP, SampleRng.from_seed(0, range(4)))


def predictions(model, *inputs, progress):
    """Without guidance, and with a scale of 3."""
    found = []
    for scale in (1., 3.):
        model.guidance_scale = scale
        found.append(model.guided_network(REP)(*inputs, progress=progress))
    return found


def test_scale_one_is_the_strong_and_zero_the_weak_prediction():
    a, b = torch.tensor([1.]), torch.tensor([3.])
    assert guided(a, b, 1) == a
    assert guided(a, b, 0) == b
    assert guided(a, b, 2) == -1


def test_schedules_and_intervals():
    def scales(**settings):
        guidance = Guidance({}, **settings)
        return [guidance.scale_at(3., (step + 1) / 4) for step in range(4)]

    assert scales() == [3, 3, 3, 3]
    assert scales(schedule='linear') == [1.5, 2, 2.5, 3]
    assert scales(interval=(.25, .75)) == [1, 3, 3, 1]
    assert scales(schedule='linear', interval=(.5, 1)) == [1, 1, 2.5, 3]


@pytest.mark.parametrize('kind', ['mage', 'dit', 'flow'])
def test_an_interval_without_steps_is_no_guidance(kind):
    model = generator(kind)
    plain = draw(model)
    model.guidance_scale = 4.
    assert not torch.equal(draw(model), plain)
    model.guidance.interval = (0., 1e-9)
    assert torch.equal(draw(model), plain)


def test_guidance_of_a_flow_acts_in_its_interval():
    """The share of the way from noise, t = 1, to an image."""
    model = generator('flow', guidance_scale=3.,
                      guidance=dict(interval=(0., .5)))
    batches = []
    model.network.register_forward_pre_hook(
        lambda module, args: batches.append(len(args[0])))
    draw(model)  # at t = 1, .75, .5 and .25
    assert batches == [8, 8, 4, 4]


@pytest.mark.parametrize(('scale', 'progress', 'rows'), [
    (1., .5, 4), (3., .5, 8), (3., .75, 8), (3., .25, 4), (3., 1., 4)])
def test_a_step_costs_two_predictions_only_where_it_is_guided(
        scale, progress, rows):
    model = generator('dit', guidance_scale=scale,
                      guidance=dict(interval=(.25, .75)))
    batches = []
    model.network.register_forward_pre_hook(
        lambda module, args: batches.append(len(args[0])))
    rng = SampleRng.from_seed(0, range(4))
    network = model.guided_network(REP)
    network(rng.normal(2, 4, 4), rng.randint(1000), progress=progress)
    assert batches == [rows]


@pytest.mark.parametrize('kind', ['mage', 'dit', 'flow'])
def test_a_network_guided_by_itself_is_not_guided(kind, tmp_path):
    model = generator(kind)
    path = str(tmp_path / 'iter_1.pth')
    save_atomically({'state_dict': {
        'generator.' + name: p for name, p in model.state_dict().items()}},
        path)
    other = generator(kind, guidance_scale=3.,
                      guidance=dict(guide=dict(checkpoint=path)))
    assert other.state_dict().keys() == model.state_dict().keys()
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(draw(other), draw(model), rtol=1e-3,
                               atol=1e-3)
    with torch.no_grad():
        for p in other.guide.parameters():
            p.normal_(std=.5)
    assert not torch.allclose(draw(other).float(), draw(model).float())


def test_a_smaller_network_may_guide(tmp_path):
    weak = generator('dit', network=dict(depth=1))
    path = str(tmp_path / 'weak.pth')
    save_atomically({'generator.network.' + name: p
                     for name, p in weak.network.state_dict().items()}, path)
    model = generator('dit', guidance_scale=2., guidance=dict(
        guide=dict(checkpoint=path, depth=1)))
    assert draw(model).shape == (4, 2, 4, 4)
    with pytest.raises(RuntimeError, match='unexpected|missing'):
        generator('dit', guidance=dict(guide=dict(checkpoint=path)))


def test_published_dit_guides_some_channels():
    model = generator('dit', guidance=dict(channels=1))
    rng = SampleRng.from_seed(0, range(4))
    x, t = rng.normal(2, 4, 4), rng.randint(1000)
    plain, strong = predictions(model, x, t, progress=.5)
    assert not torch.allclose(plain[:, :1], strong[:, :1])
    torch.testing.assert_close(plain[:, 1:], strong[:, 1:])


def test_the_variance_is_not_guided():
    model = generator('dit')
    rng = SampleRng.from_seed(0, range(4))
    x, t = rng.normal(2, 4, 4), rng.randint(1000)
    plain, strong = predictions(model, x, t, progress=1.)
    assert plain.shape[1] == 4
    assert not torch.allclose(plain[:, :2], strong[:, :2])
    torch.testing.assert_close(plain[:, 2:], strong[:, 2:])


def test_bad_settings(tmp_path):
    for settings, words in (
            (dict(schedule='cosine'), "'cosine'"),
            (dict(interval=(.7, .2)), 'low, high'),
            (dict(guide=dict(depth=1)), 'needs the checkpoint')):
        with pytest.raises(ValueError, match=words):
            Guidance({}, **settings)
    with pytest.raises(ValueError, match='in_channels=8, the generator for '
                       'in_channels=2'):
        generator('dit', guidance=dict(guide=dict(
            checkpoint='none.pth', in_channels=8)))


def test_a_guide_of_another_tokenizer_is_refused(tmp_path):
    def path_of(name, **content):
        path = str(tmp_path / name)
        save_atomically(content, path)
        return path

    model = tiny.rcg()
    tokenizer = path_of('tokenizer.pth', **model.tokenizer.state_dict())
    for name, sha256 in (('same', None), ('other', '0' * 64)):
        probe = tiny.rcg(tokenizer=dict(tiny.TOKENIZER, checkpoint=tokenizer))
        run = dict(frozen_parts=dict(tokenizer=dict(
            sha256=sha256 or probe.tokenizer.sha256)))
        guide = path_of(f'{name}.pth', meta=dict(run=run),
                        state_dict=probe.state_dict())
        build = dict(
            tokenizer=dict(tiny.TOKENIZER, checkpoint=tokenizer),
            generator=dict(tiny.generator(), guidance=dict(
                guide=dict(checkpoint=guide))))
        if sha256 is None:
            assert tiny.rcg(**build).generator.guide is not None
            continue
        with pytest.raises(ValueError, match='tokenizer 000000000000'):
            tiny.rcg(**build)
