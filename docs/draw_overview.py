"""Draw docs/overview.png: python docs/draw_overview.py"""
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot  # noqa: E402
from matplotlib.patches import FancyBboxPatch  # noqa: E402

FROZEN, TRAINED, DATA = '#d7e3f4', '#f8d9b0', '#ffffff'
WIDTH, HEIGHT = 1.7, .62


def box(axis, x, y, text, color=DATA):
    axis.add_patch(FancyBboxPatch(
        (x - WIDTH / 2, y - HEIGHT / 2), WIDTH, HEIGHT, facecolor=color,
        boxstyle='round,pad=0.02,rounding_size=0.12',
        edgecolor='#333333' if color != DATA else '#bbbbbb'))
    axis.text(x, y, text, ha='center', va='center', fontsize=9.5)


def arrow(axis, start, end, bend=0.):
    axis.annotate('', end, start, arrowprops=dict(
        arrowstyle='-|>', color='#333333', shrinkA=0, shrinkB=0,
        connectionstyle=f'arc3,rad={bend}'))


def row(axis, y, title, parts):
    """One line of boxes, each leading to the next."""
    axis.text(-1.15, y + .5, title, fontsize=10.5, fontweight='bold')
    for i, part in enumerate(parts):
        box(axis, 2.3 * i, y, *part)
        if i:
            arrow(axis, (2.3 * i - 2.3 + WIDTH / 2 + .05, y),
                  (2.3 * i - WIDTH / 2 - .05, y))


def main() -> None:
    figure, axis = pyplot.subplots(figsize=(13, 5.2))
    row(axis, 4.6, '1  train the RDM: what do representations look like?', [
        ('images', ), ('encoder', FROZEN), ('representation\n(N, D)', ),
        ('RDM\ndiffusion loss', TRAINED)])
    row(axis, 2.75, '2  train the generator: draw the image of a '
        'representation', [
            ('images', ), ('encoder', FROZEN), ('representation\n(N, D)', ),
            ('generator\nloss', TRAINED)])
    box(axis, 2.3, 1.75, 'tokenizer', FROZEN)
    box(axis, 4.6, 1.75, 'codes\n(N, L)')
    arrow(axis, (0, 2.75 - HEIGHT / 2 - .03), (2.3 - WIDTH / 2 - .05, 1.75),
          .3)
    arrow(axis, (2.3 + WIDTH / 2 + .05, 1.75), (4.6 - WIDTH / 2 - .05, 1.75))
    arrow(axis, (4.6 + WIDTH / 2 + .05, 1.75), (6.9, 2.75 - HEIGHT / 2 - .03),
          .3)
    row(axis, .3, '3  sample, with no image and no label', [
        ('noise', ), ('RDM', FROZEN), ('representation\n(N, D)', ),
        ('generator', FROZEN), ('codes\n(N, L)', ),
        ('tokenizer', FROZEN), ('images', )])
    for x, text, color in ((0, 'trained here', TRAINED),
                           (2.3, 'frozen', FROZEN)):
        axis.add_patch(FancyBboxPatch(
            (x - .85, -.62), .24, .16, boxstyle='round,pad=0.01',
            facecolor=color, edgecolor='#333333'))
        axis.text(x - .5, -.54, text, fontsize=9, va='center')
    axis.set(xlim=(-1.25, 14.8), ylim=(-.75, 5.4), aspect='equal')
    axis.axis('off')
    figure.savefig(Path(__file__).with_name('overview.png'), dpi=110,
                   bbox_inches='tight', facecolor='white')


if __name__ == '__main__':
    main()
