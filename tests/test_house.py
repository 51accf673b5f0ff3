"""What keeps the code one: a single diffusion core, short files."""
import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = ROOT / 'rcg' / 'diffusion'
# They name tensors of published files, and compare their tables with ours.
NAMED = {CORE, ROOT / 'rcg' / 'converters', ROOT / 'rcg' / 'verification'}
# Words that no file needs that asks the core.
OF_THE_CORE = re.compile(
    r'cumprod|posterior_(mean|variance)|log_variance_range|make_betas'
    r'|space_timesteps|respaced\(|even_in_log_snr')


def sources(*folders):
    return [path for folder in folders
            for path in sorted((ROOT / folder).rglob('*.py'))]


def test_one_diffusion_core():
    """Schedules, posteriors, respacing: nowhere but in rcg/diffusion."""
    found = [f'{path.relative_to(ROOT)}: {match[0]}'
             for path in sources('rcg', 'projects', 'configs')
             if not NAMED.intersection(path.parents)
             for match in OF_THE_CORE.finditer(path.read_text())]
    assert not found, '\n'.join(found)
    core = ''.join(path.read_text() for path in sources('rcg/diffusion'))
    assert len(re.findall(r'\bcumprod\(', core)) == 1


def test_one_loop_a_sampler():
    """Who walks down timesteps is a sampler of the core, and has one loop."""
    loops = {}
    for path in sources('rcg', 'projects', 'tools'):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Name)
                    and call.func.id == 'denoise' for call in ast.walk(node)):
                count = sum(isinstance(n, (ast.For, ast.While))
                            for n in ast.walk(node))
                loops[f'{path.relative_to(ROOT)}:{node.lineno}'] = count
    # DDIM and DDPM; Euler, DPM-Solver++, Heun, Euler-Maruyama.
    files = [place.partition(':')[0] for place in loops]
    assert sorted(files) == (2 * ['rcg/diffusion/samplers.py']
                             + 4 * ['rcg/diffusion/solvers.py']), loops
    for place, count in loops.items():
        assert count == 1, place


def lengths(path):
    """Lines of the file, and of its functions with their docstrings."""
    text = path.read_text()
    place = path.relative_to(ROOT)
    yield str(place), len(text.splitlines()), False
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield (f'{place}:{node.lineno} {node.name}',
                   node.end_lineno - node.lineno + 1, True)


def test_files_and_functions_are_short():
    """What one can read in one go."""
    long = []
    for path in sources('rcg', 'tools', 'projects'):
        limit = 120 if path.parent == ROOT / 'tools' else 300
        long += [f'{name}: {count}' for name, count, is_function
                 in lengths(path) if count > (40 if is_function else limit)]
    assert not long, '\n'.join(long)
