"""An API behind the guard, with Flask."""

import os
import signal
import sys
from dataclasses import asdict

import waitress
from flask import Flask, g

from portcullis_guard import Feed, Guard, WhenBehind
from portcullis_guard.flask import Bearer

setting = os.environ
when_behind = WhenBehind(setting.get("WHEN_BEHIND", "refuse"))
feed = Feed(setting["CLIENT_ID"], setting["CLIENT_SECRET"], when_behind=when_behind)
guard = Guard(setting["AUDIENCE"], setting["ISSUER"], feed=feed)
bearer = Bearer(guard)
app = Flask(__name__)


@app.get("/me")
@bearer.requires()
def me() -> dict[str, str | None]:
    """Answers any good token."""
    return {"sub": g.principal.subject, "tenant": g.principal.tenant}


@app.get("/reports")
@bearer.requires("reports.read")
def reports() -> str:
    """Needs a scope."""
    return f"the reports of {g.principal.subject}"


@app.get("/transfer")
@bearer.requires(acr_values=["gold"], max_age=300)
def transfer() -> str:
    """Needs a user who has just signed in, well (RFC 9470)."""
    return "transferred"


@app.get("/figures")
def figures() -> dict[str, int | None]:
    """What the guard has counted, for a metric."""
    return asdict(guard.figures())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    host, _, port = setting["LISTEN"].rpartition(":")
    waitress.serve(app, host=host.strip("[]"), port=int(port), threads=16)
