"""A guard in a process that was forked since it was made."""

import os
import warnings

import pytest

from portcullis_guard import Refusal, guard
from support import Clock, feed, guarding, issuer, soon


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is none here")
@pytest.mark.parametrize("is_closed", [False, True])
def test_a_child_follows_anew_what_its_parent_follows(is_closed: bool) -> None:
    with issuer() as acme, guarding(acme.name, Clock(), feed=feed()) as held:
        token = acme.token()

        def is_good() -> bool:
            try:
                held.verify(token)
            except Refusal:
                return False
            return True

        # A page and the stream.
        soon(lambda: is_good() and acme.asked["/acme/oauth2/revocations"] == 2)
        if is_closed:
            held.close()
        # Some other thread may be making it anew when it is forked.
        turn = guard._turn
        turn.acquire()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if child == 0:
            try:
                if is_closed:
                    assert not is_good()
                    assert held._workings.process == os.getpid()
                    assert held._workings.issuers._network.is_closed
                else:
                    soon(is_good)
                os._exit(0)
            finally:
                os._exit(1)
        turn.release()
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert (acme.asked["/acme/oauth2/revocations"] > 2) is not is_closed
