"""A page of sections, in one HTML file."""
import base64
import dataclasses
import html
from collections.abc import Sequence
from pathlib import Path

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2em auto;
  max-width: 70em; padding: 0 1em; color: #222; background: #fff }}
img {{ max-width: 100%; image-rendering: pixelated }}
pre {{ overflow-x: auto; background: #f4f4f4; padding: 1em }}
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
    """
    title: str
    texts: Sequence[str] = ()
    picture: Path | None = None
    code: Sequence[str] = ()

    def html(self) -> str:
        """The section as HTML; all texts are escaped."""
        parts = [f'<h2>{html.escape(self.title)}</h2>']
        parts += [f'<p>{html.escape(text)}</p>' for text in self.texts]
        if self.picture is not None and self.picture.exists():
            data = base64.b64encode(self.picture.read_bytes()).decode()
            parts.append(f'<p><img alt="{html.escape(self.title)}" '
                         f'src="data:image/png;base64,{data}"></p>')
        if self.code:
            lines = '\n'.join(map(html.escape, self.code))
            parts.append(f'<pre>{lines}</pre>')
        return '\n'.join(parts)


def write_page(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write sections as one HTML file, which needs no other file.

    Names of files may be any bytes: those that are no UTF-8 are shown as
    escapes.
    """
    text = _PAGE.format(title=html.escape(title), sections='\n'.join(
        section.html() for section in sections))
    path.write_text(text, 'utf-8', errors='backslashreplace')
