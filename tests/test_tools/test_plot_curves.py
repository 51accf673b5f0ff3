"""tools/plot_curves.py: one picture of several runs."""
from PIL import Image

from tools import plot_curves

from ..test_apis.test_curves import write_run


def test_a_picture(tmp_path, capsys):
    runs = [str(write_run(tmp_path / name, batch, 400 // batch))
            for name, batch in (('a', 5), ('b', 20))]
    out = str(tmp_path / 'loss.png')
    plot_curves.run(plot_curves.parse_args([*runs, '--out', out]))
    assert Image.open(out).size == (700, 400)
    assert capsys.readouterr().out.strip() == out
