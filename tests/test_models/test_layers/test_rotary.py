"""Rotary positions: attention sees distances, not places."""
import math

import pytest
import torch

from rcg.models.layers.rotary import rotary_line, rotary_table, rotate

GRID, DIM = 5, 8


def scores(row, column):
    """Products of one query at a place with one key at all places."""
    torch.manual_seed(0)
    query, key = torch.randn(2, DIM)
    table = rotary_table(DIM, GRID)
    tokens = GRID**2
    q = rotate(query.expand(1, 1, tokens, DIM), table)[0, 0]
    k = rotate(key.expand(1, 1, tokens, DIM), table)[0, 0]
    return (q[row * GRID + column] @ k.T).view(GRID, GRID)


def test_products_depend_on_distances_alone():
    first, second = scores(1, 0), scores(3, 1)  # 2 rows and a column apart
    torch.testing.assert_close(second[2:, 1:], first[:-2, :-1])
    assert first.std() > .1
    assert not torch.allclose(first, first.T, atol=.1)  # rows are no columns


def test_the_angles():
    """Two frequencies a coordinate: 1 and 1/100 radians per step."""
    x = torch.zeros(1, 1, GRID**2, DIM)
    x[..., 1], x[..., 2] = 1, 1  # slow of the row, fast of the column
    turned = rotate(x, rotary_table(DIM, GRID))[0, 0, 3 * GRID + 2]
    wanted = torch.zeros(DIM)
    wanted[1], wanted[5] = math.cos(.03), math.sin(.03)
    wanted[2], wanted[6] = math.cos(2), math.sin(2)
    torch.testing.assert_close(turned, wanted, atol=1e-6, rtol=0)


def test_lengths_stay_and_tokens_without_place_are_not_turned():
    x = torch.randn(2, 3, 4 + GRID**2, DIM)
    turned = rotate(x, rotary_table(DIM, GRID, num_unplaced=4))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(turned[:, :, :5], x[:, :, :5])  # (0, 0) is no turn
    assert not torch.isclose(turned[:, :, 5:], x[:, :, 5:]).all(-1).any()
    torch.testing.assert_close(turned[:, :, 4:], rotate(
        x[:, :, 4:], rotary_table(DIM, GRID)))


def test_low_precision_is_turned_in_float32():
    x = torch.randn(1, 1, GRID**2, DIM).bfloat16()
    table = rotary_table(DIM, GRID)
    turned = rotate(x, table)
    assert turned.dtype == torch.bfloat16
    assert torch.equal(turned, rotate(x.float(), table).bfloat16())


def test_heads_that_cannot_turn():
    with pytest.raises(ValueError, match='multiple of 4 channels, got 6'):
        rotary_table(6, GRID)


def test_a_line():
    """Pair i of 4 turns by 10000^(-i / 4) radians a step."""
    table = rotary_line(8, 7)
    angles = [10**-i * 6 for i in range(4)]
    wanted = [[math.cos(a) for a in angles], [math.sin(a) for a in angles]]
    torch.testing.assert_close(table[:, 6], torch.tensor(wanted))
    torch.manual_seed(0)
    query, key = torch.randn(2, 8)
    products = rotate(query.expand(1, 1, 7, 8), table)[0, 0] @ rotate(
        key.expand(1, 1, 7, 8), table)[0, 0].T
    for distance in range(-6, 7):  # equal along each diagonal
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))
    with pytest.raises(ValueError, match='an even number of channels, got 7'):
        rotary_line(7, 4)
