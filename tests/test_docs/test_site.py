"""The hook that makes the site of the repository's pages."""
import pytest

pytest.importorskip('mkdocs')  # an extra: pip install -e '.[docs]'
from docs import site_hooks  # noqa: E402


@pytest.mark.parametrize(('source', 'place', 'link', 'wanted'), [
    ('README.md', 'index.md', '[a](docs/evaluation.md#sweeps)',
     '[a](evaluation.md#sweeps)'),
    ('README.md', 'index.md', '![a](docs/overview.png)',
     '![a](overview.png)'),
    ('docs/extend.md', 'extend.md', '[a](../projects/timm_denoiser)',
     '[a](projects/timm_denoiser/README.md)'),
    ('docs/extend.md', 'extend.md', '[a](../README.md)', '[a](index.md)'),
    ('docs/extend.md', 'extend.md', '[`a`](../rcg/models/rcg.py)',
     '[`a`](api/models.md#rcg.models.rcg)'),
    ('docs/extend.md', 'extend.md', '[a](../rcg/rng.py)',
     '[a](api/base.md#rcg.rng)'),
    ('configs/rcg/README.md', 'configs/rcg/README.md',
     '[a](../../docs/model_zoo.md)', '[a](../../model_zoo.md)'),
    ('README.md', 'index.md', '[a](CITATION.cff)', 'a'),
    ('README.md', 'index.md', '[a](https://x.org)', '[a](https://x.org)')])
def test_links_become_those_of_the_site(source, place, link, wanted):
    found = site_hooks.LINK.sub(
        lambda match: site_hooks._translated(match, source, place), link)
    assert found == wanted


def test_a_link_to_nothing_is_refused():
    link = site_hooks.LINK.search('[a](docs/nothing.md)')
    with pytest.raises(site_hooks.PluginError, match=r'docs/nothing\.md'):
        site_hooks._translated(link, 'README.md', 'index.md')


@pytest.mark.parametrize(('html', 'loads'), [
    ('<script src="https://x.org/a.js">', True),
    ('<img alt="a" src=//x.org/a.png>', True),
    ('<link href="https://x.org/a.css" rel="stylesheet">', True),
    ('@import "https://x.org/a.css"', True),
    ('<script src="assets/a.js"><a href="https://x.org">', False),
    ('<link rel="canonical" href="https://x.org">', False)])
def test_what_loads_from_another_host_is_found(html, loads):
    assert bool(site_hooks.LOADED.search(html)) == loads
