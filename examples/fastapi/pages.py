"""The pages."""

from pathlib import Path
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_folder = Path(__file__).parent / "templates"
_environment = Environment(
    loader=FileSystemLoader(_folder), autoescape=True, undefined=StrictUndefined, auto_reload=False
)
# Read now: while people are served nothing waits for a disk.
_templates = {name: _environment.get_template(name) for name in _environment.list_templates()}


class Pages:
    """Pages that nobody else keeps, and that load nothing."""

    def __init__(self, issuer: str) -> None:
        parts = urlsplit(issuer)
        # A form leads on to Portcullis, which a browser counts as the form's action.
        policy = (
            f"default-src 'none'; form-action 'self' {parts.scheme}://{parts.netloc}; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        self._headers = {"Cache-Control": "no-store", "Content-Security-Policy": policy}

    def show(self, template: str, status: int = 200, **values: str | None) -> HTMLResponse:
        """Shows one."""
        return HTMLResponse(_templates[template].render(values), status, self._headers)
