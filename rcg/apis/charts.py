"""Line charts as SVG, which a page holds as text."""
import dataclasses
import html
import math
import statistics
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 460, 230
LEFT, RIGHT, TOP, BOTTOM = 56, 10, 28, 22
COLORS = ('#1f6fb4', '#d9622b', '#2d8a4e', '#a23b72', '#7a5cc2', '#8c6d1f',
          '#555555', '#c23030')
MOST_POINTS = 600  # of a line; a screen shows no more
# A first value so many times as large as the median would flatten the rest.
STEEP = 20

Points = Sequence[tuple[float, float]]


@dataclasses.dataclass
class Chart:
    """Values over iterations.

    Attributes:
        title: Name of the value.
        lines: Points (iteration, value) by the name of a run; what is not
            finite is left out.
    """
    title: str
    lines: Mapping[str, Points]

    def html(self) -> str:
        """The chart as SVG; names are escaped. '' without a point."""
        lines = {name: _thinned(_finite(points))
                 for name, points in self.lines.items()}
        if not any(lines.values()):
            return ''
        values = [y for points in lines.values() for _, y in points]
        log = min(values) > 0 and max(values) > STEEP * statistics.median(
            values)
        scale = math.log10 if log else float
        lines = {name: [(x, scale(y)) for x, y in points]
                 for name, points in lines.items()}
        plot = _Plot(lines)
        title = html.escape(self.title) + ' (logarithmic)' * log
        return (f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
                f'aria-label="{html.escape(self.title)}">'
                f'<text x="{LEFT}" y="14" class="t">{title}</text>'
                + plot.axes(log) + ''.join(
                    plot.line(points, COLORS[i % len(COLORS)])
                    for i, points in enumerate(lines.values()) if points)
                + '</svg>')


def legend(names: Sequence[str]) -> str:
    """The colors of runs, as HTML."""
    return ' '.join(
        f'<span style="color:{COLORS[i % len(COLORS)]}">&#9632; '
        f'{html.escape(name)}</span>' for i, name in enumerate(names))


class _Plot:
    """Places of values in the picture."""

    def __init__(self, lines: Mapping[str, Points]) -> None:
        every = [point for points in lines.values() for point in points]
        self.x0, self.x1 = _range([x for x, _ in every])
        self.y0, self.y1 = _range([y for _, y in every])

    def x(self, value: float) -> float:
        return LEFT + (value - self.x0) / (self.x1 - self.x0) * (
            WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (value - self.y0) / (self.y1 - self.y0) * (
            HEIGHT - TOP - BOTTOM)

    def axes(self, log: bool) -> str:
        parts = []
        for value in _ticks(self.y0, self.y1):
            text = f'{10**value:.3g}' if log else f'{value:.4g}'
            y = self.y(value)
            parts.append(
                f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" class="g"/>'
                f'<text x="{LEFT - 4}" y="{y + 4:.1f}" class="e">{text}'
                '</text>')
        for value in _ticks(self.x0, self.x1):
            parts.append(f'<text x="{self.x(value):.1f}" y="{HEIGHT - 6}" '
                         f'class="m">{value:,.6g}</text>')
        return ''.join(parts)

    def line(self, points: Points, color: str) -> str:
        if len(points) == 1:
            (x, y), = points
            return (f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" '
                    f'fill="{color}"/>')
        path = ' '.join(f'{self.x(x):.1f},{self.y(y):.1f}' for x, y in points)
        return f'<polyline points="{path}" stroke="{color}"/>'


def _finite(points: Points) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points
            if math.isfinite(x) and math.isfinite(y)]


def _thinned(points: Points) -> Points:
    """At most about ``MOST_POINTS``: means of neighbors."""
    step = -(-len(points) // MOST_POINTS)
    if step <= 1:
        return points
    groups = [points[i:i + step] for i in range(0, len(points), step)]
    return [(group[-1][0], statistics.fmean(y for _, y in group))
            for group in groups]


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if low == high:
        margin = abs(low) * .1 or 1.
        return low - margin, high + margin
    return low, high


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers in a range."""
    raw = (high - low) / 4
    size = 10.**math.floor(math.log10(raw))
    step = next(size * n for n in (1, 2, 5, 10) if size * n >= raw)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]
