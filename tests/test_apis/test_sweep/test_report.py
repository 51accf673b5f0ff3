"""Table and plot of a sweep."""
from rcg.apis.sweep import report


def test_table_and_plot(tmp_path):
    rows = [dict(setting=dict(guidance_scale=w, temperature=6.),
                 metrics={'val/fid': 4 / w, 'adm/fid': 3 / w, 'val/is': w})
            for w in (1., 2., 7.)]
    lines = report.table(rows).splitlines()
    assert lines[0].split() == ['guidance', 'guidance_scale', 'temperature',
                                'steps', 'adm/fid', 'val/fid', 'val/is']
    assert lines[3].split() == ['6', '7', '6', '-', '0.4286', '0.5714', '7']
    report.plot(rows, tmp_path / 'sweep.png')
    assert report._axis(rows) == 'guidance_scale'
    assert (tmp_path / 'sweep.png').read_bytes()[:4] == b'\x89PNG'


def test_without_guidance_the_axis_is_what_differs():
    rows = [dict(setting=dict(guidance_scale=1., num_steps=20, rdm_steps=n),
                 metrics={'val/fid': 100 / n}) for n in (20, 50)]
    lines = report.table(rows).splitlines()
    assert lines[0].split() == ['guidance', 'guidance_scale', 'temperature',
                                'steps', 'RDM', 'steps', 'val/fid']
    assert lines[2].split() == ['0', '1', '-', '20', '50', '2']
    assert report._axis(rows) == 'rdm_steps'
    assert report._lines(rows, ['val/fid'], 'rdm_steps') == {
        'val/fid, steps 20': [(20, 5.), (50, 2.)]}
