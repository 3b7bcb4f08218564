"""LM Studio 0.3: the older ``GET /api/v0/models``, which tells less and, without just-in-time loading, not all."""

from inventory.config.servers import Server
from inventory.sources import Deadline, RawResponse
from inventory.sources._connections import Connections
from inventory.sources._http import get


async def fetch(server: Server, deadline: Deadline, connections: Connections) -> RawResponse:
    """Ask the server for its models.

    Raises:
        ServerError: no complete answer came.
    """
    return await get(server, "lmstudio_v0", deadline, connections)
