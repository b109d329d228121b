"""Names of requests: each process makes its own, so that a fork gives none twice."""

import os

from gateway import clock


def test_forked_processes_give_no_request_the_same_id() -> None:
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        make = clock.request_ids()
        os.write(theirs, b" ".join(make() for _ in range(3)))
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        made = pipe.read().split()
    os.waitpid(child, 0)
    make = clock.request_ids()
    assert len({*made, *(make() for _ in range(3))}) == 6
