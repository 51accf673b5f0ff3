"""The page: controls, and the action that each calls. Needs gradio."""
import inspect
import os
import traceback
from collections.abc import Callable, Iterator, Sequence

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from rcg.datasets.reading import EXTENSIONS
from rcg.engine.errors import is_users, message

from .actions import Actions
from .limits import MAX_UPLOAD_BYTES, RANGES
from .models import Facts, Models

# All computations of all visitors share one queue, which has one worker.
_QUEUED = dict(concurrency_id='model', concurrency_limit=1,
               api_visibility='private')
_WAITING = 16  # requests in the queue; later ones are refused
# Room for the title, which would cover the picture's edge; no frame around
# buttons that are not there.
_CSS = ('.picture img {image-rendering: pixelated} '
        '.picture {padding-top: 36px !important} '
        '.picture .icon-button-wrapper {display: none}')
_INTRO = """# Representation-conditioned image generation
A model draws a representation, then an image of it. The same seed gives the
same images."""


def launch(models: Models, folder: str | os.PathLike, host: str,
           port: int | None, hosts: Sequence[str]
           ) -> tuple[gr.Blocks, str]:
    """Build the page and start its server in a thread.

    Args:
        models: To choose from.
        folder: Where gradio keeps uploads.
        host, port: Where to listen.
        hosts: Names of this machine that a browser may use. A page elsewhere
            whose name leads here (DNS rebinding) has another one.

    Returns:
        The page, and its address.
    """
    page = build(models, Actions(models, folder))
    page.queue(max_size=_WAITING, api_open=False)
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    font = ['system-ui', 'sans-serif']  # none is fetched
    _, url, _ = page.launch(
        server_name=host, server_port=port, share=False, quiet=True,
        prevent_thread_lock=True, show_error=True, ssr_mode=False, css=_CSS,
        max_file_size=MAX_UPLOAD_BYTES, enable_monitoring=False,
        footer_links=[], app_kwargs=dict(middleware=[guard]),
        theme=gr.themes.Default(font=font, font_mono=['monospace']))
    return page, url


def build(models: Models, actions: Actions) -> gr.Blocks:
    """The page, without a server."""
    first = models.names[0]
    facts = models.facts(first)
    with gr.Blocks(title='rcg', analytics_enabled=False) as page:
        gr.Markdown(_INTRO)
        with gr.Row():
            name = gr.Dropdown(models.names, value=first, label='Model',
                               elem_id='model')
            num = _slider('images', 16, 'Images')
            seed = gr.Number(0, label='Seed', precision=0, elem_id='seed')
        with gr.Row():
            settings = _settings(facts)
            label = gr.Textbox(
                label='Class', elem_id='label', **_of_label(facts))
        drawing = [name, num, seed, *settings, label]
        given = [seed, *settings]
        with gr.Tab('Sample'):
            _sample_tab(actions, drawing)
        with gr.Tab('From an image'):
            _image_tab(actions, name, num, given)
        with gr.Tab('Between two images'):
            _between_tab(actions, name, num, given)
        with gr.Tab('Compare'):
            _compare_tab(actions, models, num, given)
        name.change(_answered(lambda chosen: _updates(models.facts(chosen))),
                    name, [*settings, label], show_progress='hidden',
                    **_QUEUED)
    return page


def _slider(name: str, value: float | None, label: str, step: float = 1,
            **options) -> gr.Slider:
    low, high, _ = RANGES[name]
    return gr.Slider(low, high, low if value is None else min(value, high),
                     step=step, label=label, elem_id=name, **options)


def _settings(facts: Facts) -> list[gr.Slider]:
    """Guidance, temperature, steps."""
    return [
        _slider('guidance', facts.guidance, 'Guidance', .1,
                interactive=facts.guidance is not None),
        _slider('temperature', facts.temperature, 'Temperature', .1,
                interactive=facts.temperature is not None),
        _slider('steps', facts.steps, 'Steps')]


def _of_label(facts: Facts) -> dict:
    """Of the field that takes a class."""
    count = facts.num_classes
    return dict(interactive=count is not None, placeholder=(
        'this model takes none' if count is None else
        f'a name or a number to {count - 1}; empty: all in turn'))


def _updates(facts: Facts) -> list:
    """The settings of another model."""
    found = [gr.update(value=value or 0, interactive=value is not None)
             for value in (facts.guidance, facts.temperature)]
    return [*found, facts.steps, gr.update(value='', **_of_label(facts))]


def _sample_tab(actions: Actions, drawing: list) -> None:
    with gr.Row():
        start = gr.Button('Sample', variant='primary', elem_id='sample')
        near = gr.Button('With nearest training images', elem_id='nearest')
        stop = gr.Button('Stop', variant='stop', elem_id='stop')
    told = _line('told')
    with gr.Row():
        picture = _picture('picture', 'Images')
        film = _picture('film', 'Steps of the first ones')
    running = [
        _on(start, actions.sample, drawing, [picture, film, told]),
        _on(near, actions.nearest, drawing, [picture, told])]
    stop.click(None, cancels=running)


def _image_tab(actions: Actions, name, num, given: list) -> None:
    with gr.Row():
        upload = _upload('given', 'Image')
        with gr.Column():
            once = gr.Button('Reconstruct', elem_id='reconstruct')
            often = gr.Button('Vary', variant='primary', elem_id='vary')
            told = _line('told_image')
    picture = _picture('picture_image', 'Drawn from its representation')
    _on(once, actions.reconstruct, [name, upload, *given], [picture, told])
    _on(often, actions.vary, [name, upload, num, *given], [picture, told])


def _between_tab(actions: Actions, name, num, given: list) -> None:
    with gr.Row():
        ends = [_upload('first', 'First image'), _upload('last', 'Last image')]
    start = gr.Button('Interpolate', variant='primary', elem_id='interpolate')
    told = _line('told_between')
    picture = _picture('picture_between', 'Between their representations')
    _on(start, actions.interpolate, [name, *ends, num, *given],
        [picture, told])


def _compare_tab(actions: Actions, models: Models, num, given: list) -> None:
    names = models.names
    with gr.Row():
        chosen = [gr.Dropdown(names, value=names[i % len(names)], label=label,
                              elem_id=f'model_{i + 1}')
                  for i, label in enumerate(('One', 'The other'))]
    start = gr.Button('Compare', variant='primary', elem_id='compare')
    told = _line('told_compare')
    picture = _picture('picture_compare', 'The same seeds')

    def compare(one, other, *values):
        return actions.compare([one, other], *values)

    _on(start, compare, [*chosen, num, *given], [picture, told])


def _line(name: str) -> gr.Markdown:
    return gr.Markdown(elem_id=name)


def _picture(name: str, label: str) -> gr.Image:
    return gr.Image(label=label, format='png', interactive=False,
                    elem_id=name, elem_classes='picture',
                    buttons=[])  # they cover the picture; one uploads it


def _upload(name: str, label: str) -> gr.File:
    """Not gr.Image, which opens files of any format by itself."""
    return gr.File(label=label, file_types=list(EXTENSIONS), elem_id=name)


def _on(button: gr.Button, action: Callable, inputs: list, outputs: list):
    return button.click(_answered(action), inputs, outputs,
                        show_progress='minimal', **_QUEUED)


def _answered(action: Callable) -> Callable[..., Iterator]:
    """An action whose errors are sentences in the page."""
    def run(*values) -> Iterator:
        try:
            found = action(*values)
            if inspect.isgenerator(found):
                yield from found
            else:
                yield found
        except Exception as error:
            if is_users(error):
                text = message(error)
            else:
                traceback.print_exception(error)
                text = ('This is a bug: please report it with the traceback '
                        'on the terminal.')
            raise gr.Error(text, print_exception=False) from None

    return run
