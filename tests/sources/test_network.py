"""What comes before an answer has begun."""

import pytest

from inventory.errors import Invalid
from inventory.sources._network import Network


@pytest.mark.parametrize(
    ("piece", "times"),
    [(b"x" * 1024, 256), (b"HTTP/1.1 100 Continue\r\n\r\n", 500), (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" * 10, 50)],
    ids=["bytes", "interim answers", "ten at a time"],
)
def test_how_much_may_come_before_an_answer(piece: bytes, times: int) -> None:
    """Up to a limit of bytes and of interim answers it is waited for; once it has begun, what comes is its body."""
    network = Network()
    for _ in range(times):
        network.look(piece)
    with pytest.raises(Invalid, match="more before its answer"):
        network.look(piece)
    network.begun = True
    network.look(piece * times)
