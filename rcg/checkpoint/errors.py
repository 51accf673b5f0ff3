"""What can be wrong with a checkpoint."""

CONVERT = 'convert it with: python tools/convert_checkpoint.py '


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message says which and why.

    Attributes:
        missing: Names that the module has and the file lacks.
        unexpected: Names that the file has and the module lacks.
        mis_shaped: Lines 'name: wanted (..), got (..)'.
    """

    def __init__(self, message: str, missing=(), unexpected=(),
                 mis_shaped=()) -> None:
        super().__init__(message)
        self.missing = list(missing)
        self.unexpected = list(unexpected)
        self.mis_shaped = list(mis_shaped)
