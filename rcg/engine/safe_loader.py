"""MMEngine's own loading of checkpoints, by our safe reader."""
from mmengine.runner import CheckpointLoader

from rcg.checkpoint import read_checkpoint


def load(path: str, map_location=None) -> dict:
    """Read a file on the CPU; nothing in it is executed.

    Args:
        path: Of a local file.
        map_location: MMEngine's; not needed, since ``load_state_dict`` copies
            to the right device.

    Raises:
        ValueError: The file is on another machine: MMEngine would unpickle
            what it downloads.
    """
    if '://' in path:
        raise ValueError(f"'{path}' is on another machine: download it and "
                         'give the path of the file.')
    return read_checkpoint(path)


# What MMEngine loads itself, such as weights of an init_cfg.
for _scheme in ('', *CheckpointLoader._schemes):
    CheckpointLoader.register_scheme(_scheme, load, force=True)
