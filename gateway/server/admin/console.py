"""The console's files. They hold no data, so they need no token; what they show comes from the admin API."""

from pathlib import Path

from litestar import Controller, Response, get
from litestar.exceptions import NotFoundException

_FOLDER = Path(__file__).parents[2] / "reporting" / "console"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


class Console(Controller):
    """The page and what it loads."""

    include_in_schema = False

    @get(["/", "/{name:str}"], sync_to_thread=False)
    def file(self, name: str = "index.html") -> Response[bytes]:
        if name not in _FILES:
            raise NotFoundException("there is nothing here")
        return Response(_FILES[name], media_type=_TYPES[Path(name).suffix], headers=_HEADERS)
