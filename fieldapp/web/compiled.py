"""Compiled templates stay beside their sources, as Python's own do: the first desk after a start takes a quarter."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from flask import Flask
from jinja2.bccache import Bucket, FileSystemBytecodeCache

from fieldapp.config import ROOT


class _Beside(FileSystemBytecodeCache):
    """A full disk makes a page slow, never an error."""

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def init_app(app: Flask, folder: Path = ROOT / "templates" / "__pycache__") -> None:
    """Keep them where that is wanted and the folder can be written. Each is known by its source's hash."""
    if sys.dont_write_bytecode:
        return
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
    if os.access(folder, os.W_OK):
        app.jinja_env.bytecode_cache = _Beside(str(folder))
