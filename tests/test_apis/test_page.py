"""The page of a report."""
import base64
import re

from PIL import Image

from rcg.apis.page import Section, write_page


def test_a_page_is_one_file(tmp_path):
    picture = tmp_path / 'a.png'
    Image.new('RGB', (3, 2), 'red').save(picture)
    write_page(tmp_path / 'r.html', 'R & D', [
        Section('<One>', ['a < b', b'\xff.png'.decode(
            'utf-8', 'surrogateescape')], picture, ['cat "x" > y']),
        Section('Two', picture=tmp_path / 'none.png'), Section('Three')])
    text = (tmp_path / 'r.html').read_text('utf-8')
    assert '<h2>&lt;One&gt;</h2>' in text
    assert '<p>a &lt; b</p>' in text
    assert '<h1>R &amp; D</h1>' in text
    assert '<pre>cat &quot;x&quot; &gt; y</pre>' in text
    assert '\\udcff.png' in text
    data, = re.findall('src="data:image/png;base64,([^"]+)"', text)
    assert base64.b64decode(data) == picture.read_bytes()
    assert 'src="http' not in text
