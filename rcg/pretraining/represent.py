"""Predictions of the models that learn an encoder."""
from torch import Tensor

from rcg.models.encoders import Encoder


def represent(encoder: Encoder, images: Tensor, indices: Tensor,
              labels: Tensor | None = None, **_) -> list[dict]:
    """Compute the representations of a batch, for the metrics.

    Args:
        encoder: The encoder.
        images (N, 3, H, W): In [-1, 1].
        indices (N,): Index of each image in the dataset, int64.
        labels (N,): Classes, if the dataset has any, int64.

    Returns:
        N dicts of ``representations`` (E,), which are the encoder's
        :meth:`~rcg.models.encoders.Encoder.vectors`, ``index`` and, if given,
        ``labels``.
    """
    columns = dict(representations=encoder.vectors(encoder(images)),
                   index=indices.tolist())
    if labels is not None:
        columns['labels'] = labels.tolist()
    return [dict(zip(columns, row, strict=True))
            for row in zip(*columns.values(), strict=True)]
