"""An API behind the guard, with FastAPI."""

import os
from dataclasses import asdict
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI

from portcullis_guard import Feed, Guard, Principal, WhenBehind
from portcullis_guard.fastapi import Bearer

setting = os.environ
when_behind = WhenBehind(setting.get("WHEN_BEHIND", "refuse"))
feed = Feed(setting["CLIENT_ID"], setting["CLIENT_SECRET"], when_behind=when_behind)
guard = Guard(setting["AUDIENCE"], setting["ISSUER"], feed=feed)
bearer = Bearer(guard)
app = FastAPI()


@app.get("/me")
async def me(token: Annotated[Principal, Depends(bearer)]) -> dict[str, str | None]:
    """Answers any good token."""
    return {"sub": token.subject, "tenant": token.tenant}


@app.get("/reports")
async def reports(token: Annotated[Principal, Depends(bearer.requires("reports.read"))]) -> str:
    """Needs a scope."""
    return f"the reports of {token.subject}"


@app.get("/transfer", dependencies=[Depends(bearer.requires(acr_values=["gold"], max_age=300))])
async def transfer() -> str:
    """Needs a user who has just signed in, well (RFC 9470)."""
    return "transferred"


@app.get("/figures")
async def figures() -> dict[str, int | None]:
    """What the guard has counted, for a metric."""
    return asdict(guard.figures())


if __name__ == "__main__":
    host, _, port = setting["LISTEN"].rpartition(":")
    # The log of requests would have tokens in it that come in an address.
    uvicorn.run(app, host=host.strip("[]"), port=int(port), log_level="warning", access_log=False)
