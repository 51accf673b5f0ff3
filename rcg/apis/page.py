"""A page of sections, in one HTML file."""
import base64
import dataclasses
import html
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from rcg.apis.charts import Chart, legend
from rcg.checkpoint import open_atomically

# A picture of more bytes is stored as JPEG, of so many pixels at most.
LARGE, MOST_PIXELS = 400_000, 1400
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2em auto;
  max-width: 70em; padding: 0 1em; color: #222; background: #fff }}
h2 {{ border-top: 1px solid #ccc; padding-top: .6em; margin-top: 1.6em }}
img {{ max-width: 100%; image-rendering: pixelated }}
pre {{ overflow-x: auto; background: #f4f4f4; padding: 1em; font-size: 13px }}
table {{ border-collapse: collapse; display: block; overflow-x: auto }}
td, th {{ text-align: left; padding: .15em 1em .15em 0; vertical-align: top }}
tr + tr td {{ border-top: 1px solid #eee }}
.row {{ display: grid; gap: 1em;
  grid-template-columns: repeat(auto-fill, minmax(min(20em, 100%), 1fr)) }}
.row img {{ width: 100% }}
figure {{ margin: 0 }} figcaption {{ font-size: 13px; color: #555 }}
svg {{ font: 11px system-ui, sans-serif }}
svg .t {{ font-size: 13px; font-weight: 600 }}
svg .e {{ text-anchor: end; fill: #555 }} svg .m {{ text-anchor: middle;
  fill: #555 }}
svg .g {{ stroke: #e4e4e4; fill: none }}
svg polyline {{ fill: none; stroke-width: 1.6 }}
</style>
</head>
<body>
<h1>{title}</h1>
{sections}
</body>
</html>
"""


@dataclasses.dataclass
class Section:
    """A heading and what stands below it.

    Attributes:
        title: The heading.
        texts: Paragraphs.
        picture: PNG file, if there is one; the page holds a copy.
        code: Lines, shown as they are.
        table: Rows of cells; the first one has the headings.
        charts: Charts, side by side. Several lines have a legend.
        pictures: Titles and files of pictures, side by side. One that
            cannot be read is left out.
        folded: Titles and texts, shown as they are when they are clicked.
        level: Of the heading.
    """
    title: str
    texts: Sequence[str] = ()
    picture: Path | None = None
    code: Sequence[str] = ()
    table: Sequence[Sequence[str]] = ()
    charts: Sequence[Chart] = ()
    pictures: Sequence[tuple[str, Path]] = ()
    folded: Sequence[tuple[str, str]] = ()
    level: int = 2

    def html(self) -> str:
        """The section as HTML; all texts are escaped."""
        parts = [f'<h{self.level}>{html.escape(self.title)}</h{self.level}>']
        parts += [f'<p>{html.escape(text)}</p>' for text in self.texts]
        parts.append(_table(self.table))
        parts.append(_charts(self.charts))
        if self.picture is not None and self.picture.exists():
            parts.append(f'<p>{_image(self.title, self.picture)}</p>')
        parts.append(_row([
            f'<figure>{image}<figcaption>{html.escape(title)}</figcaption>'
            '</figure>' for title, file in self.pictures
            if (image := _image(title, file))]))
        if self.code:
            lines = '\n'.join(map(html.escape, self.code))
            parts.append(f'<pre>{lines}</pre>')
        parts += [f'<details><summary>{html.escape(title)}</summary>'
                  f'<pre>{html.escape(text)}</pre></details>'
                  for title, text in self.folded]
        return '\n'.join(filter(None, parts))


def write_page(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write sections as one HTML file, which needs no other file.

    Names of files may be any bytes: those that are no UTF-8 are shown as
    escapes.
    """
    text = _PAGE.format(title=html.escape(title), sections='\n'.join(
        section.html() for section in sections))
    with open_atomically(str(path)) as file:
        file.write(text.encode('utf-8', errors='backslashreplace'))


def _table(rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ''
    head, *body = ([html.escape(cell) for cell in row] for row in rows)
    lines = ['<tr>' + ''.join(f'<th>{cell}</th>' for cell in head) + '</tr>']
    lines += ['<tr>' + ''.join(f'<td>{cell}</td>' for cell in row) + '</tr>'
              for row in body]
    return '<table>' + '\n'.join(lines) + '</table>'


def _charts(charts: Sequence[Chart]) -> str:
    names = list(dict.fromkeys(name for chart in charts
                               for name in chart.lines))
    # A color means the same run in all charts.
    drawn = [dataclasses.replace(chart, lines={
        name: chart.lines.get(name, ()) for name in names}).html()
             for chart in charts]
    head = f'<p>{legend(names)}</p>' if len(names) > 1 else ''
    return head + _row(filter(None, drawn))


def _row(parts) -> str:
    inside = '\n'.join(parts)
    return f'<div class="row">{inside}</div>' if inside else ''


def _image(title: str, file: Path) -> str:
    """An image that holds its file; '' if that cannot be read."""
    try:
        data, kind = file.read_bytes(), 'png'
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            if len(data) > LARGE:
                image.thumbnail((MOST_PIXELS, MOST_PIXELS))
                out, kind = io.BytesIO(), 'jpeg'
                image.convert('RGB').save(out, 'jpeg', quality=88)
                data = out.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ''
    text = base64.b64encode(data).decode()
    return (f'<img alt="{html.escape(title)}" '
            f'src="data:image/{kind};base64,{text}">')
