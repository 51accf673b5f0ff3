"""A prepared loop against one that computes everything anew."""
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from rcg.models.diffusers import RDM
from rcg.models.layers.packed import PackedLinear
from rcg.rng import SampleRng


def samplers(*names):
    return [dict(type=f'{name}Sampler', num_steps=4) for name in names]


SAMPLERS = samplers('DDIM', 'DDPM', 'DPMSolver', 'Heun')
OF_FLOWS = samplers('DPMSolver', 'Heun', 'Euler', 'HeunFlow', 'EulerMaruyama')
PAIRS = [*(('GaussianDiffusion', cfg) for cfg in SAMPLERS),
         *(('FlowMatching', cfg) for cfg in OF_FLOWS)]


def names_of(value):
    return value['type'] if isinstance(value, dict) else str(value)


def rdm(classes=False, sampler=SAMPLERS[0], kind='x0',
        process='GaussianDiffusion', **changes):
    torch.manual_seed(0)
    model = RDM(dict(type='DenoisingMLP', rep_dim=8, **{
        'width': 32, 'num_blocks': 2, 'context_dim': 4 if classes else None,
        **changes}),
        dict(type=process, parameterization=kind), sampler,
        num_classes=3 if classes else None)
    for parameter in model.denoiser.parameters():
        torch.nn.init.normal_(parameter, std=.1)
    return model.eval()


def drawn(model, plain=False, rows=6):
    model.plain_sampling = plain
    rng = SampleRng.from_seed(3, range(rows))
    labels = torch.arange(rows) % 3
    return model.sample(rng, labels), rng.num_draws


def assert_same(got, wanted):
    """As reference packs allow: 1e-5 of the largest number."""
    assert got[1] == wanted[1]
    torch.testing.assert_close(got[0], wanted[0], rtol=0,
                               atol=1e-5 * wanted[0].abs().max().item())


@pytest.mark.parametrize(('process', 'sampler'), PAIRS, ids=names_of)
@pytest.mark.parametrize('classes', [False, True])
@pytest.mark.parametrize('kind', ['x0', 'eps', 'v'])
def test_the_same_but_for_rounding(process, sampler, classes, kind):
    model = rdm(classes, sampler, kind, process)
    assert_same(drawn(model), drawn(model, plain=True))


def test_times_and_contexts_are_embedded_once():
    model, rows = rdm(classes=True), []
    block = model.denoiser.blocks[0]
    for layer in (model.denoiser.time_embed, block.time_proj,
                  block.context_proj):
        layer.register_forward_hook(
            lambda module, args, output: rows.append(len(output)))
    drawn(model)
    assert rows == [4, 4, 6]


def test_a_wide_network_is_packed_for_each_loop():
    """Weights that change between two loops are those of the second."""
    long = dict(type='DDIMSampler', num_steps=20)
    model, seen = rdm(width=512, sampler=long), []
    model.denoiser.blocks[0].register_forward_pre_hook(
        lambda block, args: seen.append(type(block.fc1)))
    wanted = drawn(model, plain=True)
    assert set(seen) == {torch.nn.Linear}
    seen.clear()
    assert_same(drawn(model), wanted)
    assert set(seen) == {PackedLinear}
    with torch.no_grad():
        model.denoiser.blocks[0].fc1.weight.data.mul_(2)
    other = drawn(model, plain=True)
    assert not torch.allclose(other[0], wanted[0])
    assert_same(drawn(model), other)


def test_a_network_without_shifts_draws_the_plain_way(monkeypatch):
    model = rdm()
    wanted = drawn(model, plain=True)
    monkeypatch.delattr(type(model.denoiser), 'shifts')
    torch.testing.assert_close(drawn(model), wanted, rtol=0, atol=0)


class NoCopyToDevice(TorchDispatchMode):
    """Fails where numbers pass between a CPU and a device: a graph of the
    device's kernels could not be recorded. Asking a meta tensor for its value
    fails by itself."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **kwargs or {})
        tensors = [x for x in (*args, out) if isinstance(x, torch.Tensor)]
        devices = {x.device.type for x in tensors if x.ndim}
        assert len(devices) <= 1, f'{function} on {devices}'
        return out


@pytest.mark.parametrize('plain', [False, True])
@pytest.mark.parametrize('kind', ['x0', 'v'])
@pytest.mark.parametrize(('process', 'sampler'), PAIRS, ids=names_of)
def test_nothing_passes_between_host_and_device(process, sampler, kind,
                                                plain):
    """Shown on meta tensors, which take the path of GPUs."""
    model = rdm(True, sampler, kind, process).to('meta')
    model.plain_sampling = plain
    times = model.sampler.timesteps(model.diffusion.schedule)
    rng = SampleRng(torch.zeros(6, 2, dtype=torch.int64, device='meta'))
    inputs = (times, torch.tensor(times, device='meta'), rng,
              torch.zeros(6, dtype=torch.int64, device='meta'))
    with torch.no_grad():
        model._draw(*inputs)  # fills what is kept of earlier runs
        with NoCopyToDevice():
            assert model._draw(*inputs).shape == (6, 8)
    with pytest.raises(AssertionError, match='copy'), NoCopyToDevice():
        torch.ones(3).to('meta')


def test_batches_of_other_sizes_are_not_compiled_each():
    model, graphs = rdm(classes=True), []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph

    torch.compiler.reset()
    wanted = {rows: drawn(model, rows=rows) for rows in (6, 5, 3, 7, 2)}
    model.denoiser.compile(fullgraph=True, backend=backend)
    for rows, numbers in wanted.items():
        assert_same(drawn(model, rows=rows), numbers)
    assert len(graphs) <= 3  # for one size, and for any; not one for each


@pytest.mark.slow
def test_compiled_step_is_the_same():
    """By inductor, which makes code for this CPU."""
    model = rdm(num_blocks=1)
    wanted = drawn(model)
    torch.compiler.reset()
    model.denoiser.compile(fullgraph=True)
    assert_same(drawn(model), wanted)
