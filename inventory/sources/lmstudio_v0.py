"""Read LM Studio 0.3: ``GET /api/v0/models``, with fewer fields and, without just-in-time loading, fewer models."""

from inventory.config.servers import Server
from inventory.sources import Connections, Deadline, RawResponse
from inventory.sources._http import get


async def fetch(server: Server, deadline: Deadline, connections: Connections) -> RawResponse:
    """Query the server for its models.

    Raises:
        ServerError: no complete response was received.
    """
    return await get(server, "lmstudio_v0", deadline, connections)
