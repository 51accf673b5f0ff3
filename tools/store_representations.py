"""Store representations of real images, or centroids of their clusters.

    python tools/store_representations.py CONFIG --out FILE.safetensors
        [--clusters K] [--seed 0] [--views V] [--cfg-options KEY=VALUE ...]

Encodes the training images of CONFIG with its encoder, or takes what its
CacheFeaturesHook has stored. The file takes the place of an RDM:

    rdm=dict(type='StoredRepresentations', num=..., rep_dim=...,
             checkpoint='FILE.safetensors')

With --clusters it holds the centroids of k-means, each drawn as often as its
cluster has images, for a generator that is conditioned on clusters. Other
images: --cfg-options train_dataloader.dataset.split=... . With random
augmentations, V views of each image are taken.
"""
import argparse

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    add_shared(parser, 'config')
    parser.add_argument('--out', required=True, metavar='FILE',
                        help='what is written, .safetensors')
    parser.add_argument('--clusters', type=int, metavar='K',
                        help='write centroids of so many clusters')
    parser.add_argument('--seed', type=int, default=0,
                        help='of the clusters (default: %(default)s)')
    parser.add_argument('--views', type=int, metavar='V',
                        help='views of an image; needed for random crops')
    add_shared(parser, 'work_dir', 'cfg_options', 'debug')
    return parser.parse_args(args)


def main() -> None:
    args = parse_args()
    announce(f'store_representations {args.config}')
    with friendly_errors(args.debug, 'the same command goes on'):
        from rcg import apis
        num, rep_dim = apis.store_representations(
            args.config, args.out, clusters=args.clusters, seed=args.seed,
            views=args.views, work_dir=args.work_dir,
            options=args.cfg_options)
        announce(f"dict(type='StoredRepresentations', num={num}, "
                 f"rep_dim={rep_dim}, checkpoint='{args.out}')")


if __name__ == '__main__':
    main()
