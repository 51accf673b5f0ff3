"""What a run will do and what it lacks, before it begins."""
from rcg.apis.before_run.dry_run import dry_run
from rcg.apis.before_run.missing import (
    MissingPartsError,
    check_ready,
    check_run,
    find_missing,
)

__all__ = ['MissingPartsError', 'check_ready', 'check_run',
           'dry_run', 'find_missing']
