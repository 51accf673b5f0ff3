"""Labelled grids."""
import numpy as np
import torch

from rcg.apis import labelled_grid


def plain(value, size=16):
    return torch.full((3, size, size), value, dtype=torch.uint8)


def test_images_are_enlarged_whole_and_in_place():
    image = torch.arange(3 * 16 * 16).view(3, 16, 16).byte()
    grid = np.asarray(labelled_grid(
        [('one', [plain(7), image]), ('two', [plain(9)])]))
    # A title of 18 pixels over each row, 4 pixels around images of 64.
    assert grid.shape == (4 + 2 * (18 + 64 + 4), 2 * 68 + 8, 3)
    assert (grid[22:86, 4:68] == 7).all()
    assert (grid[108:172, 4:68] == 9).all()
    assert (grid[108:172, 72:136] == 255).all()
    shown = torch.tensor(grid[22:86:4, 72:136:4]).permute(2, 0, 1)
    assert torch.equal(shown, image)


def test_titles_are_written_where_there_are_some():
    rows = [('', [plain(0)])]
    assert (np.asarray(labelled_grid(rows))[:22] == 255).all()
    titled = np.asarray(labelled_grid([('a title longer than its row',
                                        [plain(0)])]))
    assert (titled[:22] < 128).any()
    assert titled.shape[1] > 140  # the title is not cut off
    headed = np.asarray(labelled_grid(rows, ['A']))
    assert headed.shape[0] == titled.shape[0] + 18
    assert (headed[:22] < 128).any()


def test_large_images_keep_their_size():
    assert labelled_grid([('', [plain(0, 256)])]).size == (268, 282)
