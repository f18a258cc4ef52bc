"""How the endings of an issuer are followed."""

from dataclasses import dataclass, field

from .endings import WhenBehind


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed of endings, read by a client that may get itself a token of scope `revocations`.

    Raises `ValueError` for what cannot be.
    """

    client_id: str
    client_secret: str = field(repr=False)

    bound: float = 5.0
    """How many seconds nothing may be heard until the guard counts as behind."""

    when_behind: WhenBehind = WhenBehind.REFUSE
    """What becomes of good tokens meanwhile; its text will do."""

    polling: float | None = None
    """Asks for a page each so many seconds, where a proxy in between holds streams back."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "when_behind", WhenBehind(self.when_behind))
        if not self.bound > 0:
            raise ValueError("the bound is to be a time")
        if self.polling is not None and not 0 < self.polling < self.bound:
            raise ValueError("the feed is to be asked more often than its bound, and with a pause")
