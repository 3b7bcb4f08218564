"""Read any LM Studio: ``GET /api/v1/models``, and the older API where the server is too old for it."""

from inventory.config.servers import Server
from inventory.normalize.response import is_too_old
from inventory.sources import Connections, Deadline, RawResponse
from inventory.sources._http import get


async def fetch(server: Server, deadline: Deadline, connections: Connections) -> RawResponse:
    """Query the server for its models; one deadline holds for both APIs.

    Raises:
        ServerError: no complete response was received.
    """
    response = await get(server, "lmstudio", deadline, connections)
    if is_too_old(response.body, response.http_status or 200, response.path):
        return await get(server, "lmstudio_v0", deadline, connections)
    return response
