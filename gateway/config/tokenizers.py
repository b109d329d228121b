"""The folder of tiktoken's encodings, from tiktoken's own environment variables."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory; tiktoken's own default where nothing is set."""
    given = environ.get("TIKTOKEN_CACHE_DIR", environ.get("DATA_GYM_CACHE_DIR"))
    return Path(given) if given else Path(tempfile.gettempdir()) / "data-gym-cache"
