"""Read LM Studio 0.4.0 or newer: ``GET /api/v1/models``."""

from inventory.config.servers import Server
from inventory.sources import Connections, Deadline, RawResponse
from inventory.sources._http import get


async def fetch(server: Server, deadline: Deadline, connections: Connections) -> RawResponse:
    """Query the server for its models.

    Raises:
        ServerError: no complete response was received.
    """
    return await get(server, "lmstudio", deadline, connections)
