"""What there is to choose from."""
import pytest

from rcg.apis import list_configs, list_parts, listing
from tools import list as tool

from ..test_configs import LEAVES


@pytest.mark.parametrize(('kind', 'name'), [
    ('encoders', 'MoCoV3ViT'), ('generators', 'MAGE'), ('tokenizers', 'VQGAN'),
    ('diffusers', 'RDM'), ('samplers', 'DDIMSampler'),
    ('datasets', 'ImageFolder'), ('metrics', 'FrechetDistance')])
def test_parts(kind, name):
    found = dict(list_parts(kind))
    assert name in found
    ours = listing.KINDS[kind].module_dict
    assert all(line for name, line in found.items()
               if ours[name].__module__.startswith('rcg.'))
    assert 'GaussianDiffusion' not in found


def test_configs_with_their_rows():
    found = {name.removeprefix('configs/'): (line, rows)
             for name, line, rows in list_configs()}
    assert set(found) == set(LEAVES) | {
        name for name in found if name.startswith('folder/')}
    assert all(line for line, _ in found.values())
    assert 'RCG-G with MAGE-L (FID 2.15; ' in found['rcg/mage_l.py'][1]
    assert found['digits/mage.py'][1] == ''


def test_the_tool_knows_every_kind(monkeypatch, capsys):
    assert set(tool.KINDS) == {*listing.KINDS, listing.CONFIGS}
    monkeypatch.setattr('sys.argv', ['list.py', 'samplers'])
    tool.main()
    out = capsys.readouterr().out
    assert out.startswith('samplers\n') and 'DDPMSampler' in out
    with pytest.raises(SystemExit):
        tool.parse_args(['samplerz'])
