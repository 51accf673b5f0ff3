"""Draw docs/cost_fid.png: python docs/draw_cost_fid.py

Figure 5 of RCG (arXiv:2312.03701): what training costs, and the FID that it
buys. All numbers are published: days of 64 V100 GPUs of its table 11, with the
RDM's, and FID in the ADM suite, without guidance. DiT-L/2 (30.9) is missing:
its days were not at hand where this was written.
"""
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot  # noqa: E402

# Name: days of 64 V100 GPUs, FID, and where the name stands (in points).
ALONE = {
    'LDM-8': (1.2, 39.13, (8, -4)),
    'ADM': (14.3, 26.21, (-8, 8)),
    'DiT-XL/2': (9.1, 27.32, (-8, 9)),
    'MAGE-L, 1,600 epochs': (10.7, 7.04, (-45, 9)),
}
RCG = {
    'MAGE-B, 200 epochs': (.9, 4.87, (-8, 9)),
    'MAGE-L, 200 epochs': (1.8, 4.09, (-28, -16)),
    'MAGE-B, 800 epochs': (3.5, 3.98, (-20, 9)),
    'MAGE-L, 800 epochs': (6.6, 3.44, (-40, -16)),
}


def main() -> None:
    figure, axis = pyplot.subplots(figsize=(7, 4.4), layout='constrained')
    for title, points, marker, color in (
            ('without representations', ALONE, 's', '#7a7a7a'),
            ('RCG, with representations', RCG, 'o', '#c2410c')):
        days, fid, places = zip(*points.values(), strict=True)
        axis.scatter(days, fid, 60, color, marker=marker, label=title,
                     zorder=3)
        for name, x, y, place in zip(points, days, fid, places, strict=True):
            axis.annotate(name, (x, y), place, textcoords='offset points',
                          fontsize=9.5)
    axis.set(xscale='log', yscale='log', xlim=(.7, 22), ylim=(2.8, 50),
             xlabel='training, days of 64 V100 GPUs',
             ylabel='FID of 50,000 images, ADM suite')
    axis.set_xticks([1, 2, 5, 10, 20], ['1', '2', '5', '10', '20'])
    axis.set_yticks([3, 5, 10, 20, 40], ['3', '5', '10', '20', '40'])
    axis.minorticks_off()
    axis.grid(alpha=.3)
    axis.legend(loc='center right', bbox_to_anchor=(1, .55))
    axis.set_title('Published numbers (arXiv:2312.03701), none measured here',
                   fontsize=10.5)
    figure.savefig(Path(__file__).with_name('cost_fid.png'), dpi=110,
                   facecolor='white')


if __name__ == '__main__':
    main()
