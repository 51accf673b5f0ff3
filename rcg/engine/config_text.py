"""Configs as text, formatted once: that takes part of a second."""
from mmengine.config import Config


class _FormattedConfig(Config):
    """A config whose text is known.

    Args:
        config: It shares the content.
        text: What ``config.pretty_text`` returns.
    """

    def __init__(self, config: Config, text: str) -> None:
        super().__init__(config._cfg_dict, filename=config.filename)
        # Config makes entries of attributes.
        object.__setattr__(self, '_formatted', text)

    @property
    def pretty_text(self) -> str:
        return self._formatted


# The last config that was formatted, as Python shows it, and its text.
_last = ('', '')


def formatted(config: Config) -> Config:
    """The same config; its ``pretty_text`` costs nothing.

    A config is formatted anew after it was changed.
    """
    global _last
    content = repr(config._cfg_dict)
    if content != _last[0]:
        _last = (content, config.pretty_text)
    return _FormattedConfig(config, _last[1])
