"""Line charts as SVG."""
import math
from xml.etree import ElementTree

import pytest

from rcg.apis.charts import LEFT, MOST_POINTS, WIDTH, Chart, legend


def drawn(lines):
    return ElementTree.fromstring(Chart('a<b & "c"', lines).html())


def test_it_is_whole_svg_with_escaped_names():
    root = drawn({'<run>': [(0, 1.), (10, 2.), (20, math.nan), (30, 3.)]})
    assert root.attrib['aria-label'] == 'a<b & "c"'
    line, = root.iter('polyline')
    places = [tuple(map(float, point.split(',')))
              for point in line.attrib['points'].split()]
    assert len(places) == 3  # NaN is left out
    assert places[0][0] == LEFT and places[-1][0] == pytest.approx(
        WIDTH, abs=11)
    assert places[0][1] > places[-1][1]  # larger is higher
    assert legend(['<run>']).count('<') == 2


def test_a_point_alone_and_nothing():
    assert len(list(drawn({'a': [(5, 1.)]}).iter('circle'))) == 1
    assert Chart('x', {'a': [], 'b': [(1, math.inf)]}).html() == ''


def test_steep_values_have_a_logarithmic_axis():
    points = [(0, 1e4), *((i, 1. + i / 100) for i in range(1, 50))]
    assert '(logarithmic)' in Chart('x', {'a': points}).html()
    assert '(logarithmic)' not in Chart('x', {'a': points[1:]}).html()


def test_a_long_line_is_thinned_and_colors_stay():
    long = [(i, math.sin(i)) for i in range(10 * MOST_POINTS)]
    line, = drawn({'a': (), 'b': long}).iter('polyline')
    assert len(line.attrib['points'].split()) == MOST_POINTS
    assert line.attrib['stroke'] == '#d9622b'  # of the second run
