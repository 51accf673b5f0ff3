"""Files of 16 bits that use fewer are named, and how to read them."""
from rcg.apis.bit_depth import Deep, about_bits, common_bits


def test_what_all_files_of_a_folder_fit_in():
    files = [Deep('a', True, 10), Deep('b', True, 12), Deep('c', False, 14)]
    assert common_bits(files) == 12
    assert common_bits(files[2:]) == common_bits([]) == 16


def test_sentences():
    assert about_bits([]) == []
    full = Deep('a.png', True, 16)
    assert about_bits([full]) == [
        '1 are of 16 bits, of which the upper 8 are kept.']
    twelve = [Deep(f'{i}.png', True, 12) for i in range(3)]
    told, = about_bits(twelve)
    assert '3 gray images are of 16 bits and use 12 of them: bits=12' in told
    # Beside one that uses all, as 12 bits that one could not be read.
    kept, dark = about_bits([*twelve, full])
    assert kept.startswith('4 are of 16 bits')
    assert "3 images of 16 bits come out nearly black, such as '0.png'" in dark
    # Of colors the lower bits are not read.
    dark = about_bits([Deep('c.png', False, 12), full])[1]
    assert dark.startswith("1 images of 16 bits come out nearly black, such "
                           "as 'c.png'")
