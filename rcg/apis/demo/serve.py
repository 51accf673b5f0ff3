"""Serve the page on this machine, until Ctrl-C."""
import importlib.util
import ipaddress
import os
import sys
import tempfile
import threading
from collections.abc import Sequence

from .models import Models

# Read by gradio when it is imported: it reports to nobody, keeps no history.
_QUIET = dict(GRADIO_ANALYTICS_ENABLED='False', GRADIO_RUN_HISTORY='False',
              HF_HUB_DISABLE_TELEMETRY='1')
_LOCAL = ['127.0.0.1', 'localhost']
_WARNING = """warning: everybody who can reach {host} can use this page, which
has no password and no encryption. Without --host, only this machine can."""


def serve_demo(paths: Sequence[str] = (), host: str = '127.0.0.1',
               port: int | None = None, device: str | None = None) -> None:
    """Serve the page; return after Ctrl-C.

    Uploads and pictures are in a temporary folder, which is removed. Nothing
    is sent anywhere else.

    Args:
        paths: Of models; see :class:`~rcg.apis.demo.models.Models`.
        host: Address to listen at. Others than this machine's own are served
            to everybody, with a warning.
        port: None: the first free one from 7860.
        device: By default a GPU, if there is one.

    Raises:
        ImportError: Gradio is not installed.
        FileNotFoundError: There are no models.
        OSError: The port is taken.
    """
    if importlib.util.find_spec('gradio') is None:
        raise ImportError(
            "the page needs Gradio: pip install 'gradio>=6.31,<7' (it is the "
            "extra 'demo' of this project).")
    if not is_loopback(host):
        print(_WARNING.format(host=host), file=sys.stderr)
    models = Models(paths, device)
    os.environ.update(_QUIET)
    with tempfile.TemporaryDirectory(prefix='rcg-demo-') as folder:
        os.environ['GRADIO_TEMP_DIR'] = folder
        _serve(models, folder, host, port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def _serve(models: Models, folder: str, host: str, port: int | None) -> None:
    import matplotlib

    from .page import launch  # imports gradio

    # Gradio asks for the backend at each action. Where none is chosen, the
    # first visitor would wait a second while matplotlib tries some.
    matplotlib.use('Agg')
    models.warm_up()  # the first visitor need not wait for that
    page, url = launch(models, folder, host, port,
                       _LOCAL if is_loopback(host) else ['*'])
    try:
        print(f'{", ".join(models.names)}\n{url} shows the page; Ctrl-C ends '
              'it', flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        print('\nthe page is closed')
    finally:
        page.close(verbose=False)
