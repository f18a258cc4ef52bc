"""What can go wrong for somebody at their browser."""


class Problem(Exception):
    """Something that a page tells."""

    status = 503
    title = "Not now"
    text = "This cannot be had now. Try again soon."


class Away(Problem):
    """Portcullis or the API does not answer, or nobody can say what it meant."""


class Forbidden(Problem):
    """Somebody is signed in, and this is not for them."""

    status = 403
    title = "Not for you"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Refused(Problem):
    """Nobody was signed in."""

    status = 400
    title = "Not signed in"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.text = f"{why} Sign in once more."


class Ended(Exception):
    """What the session had is good no more: only a new sign-in is left."""
