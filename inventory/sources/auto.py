"""Any LM Studio: ``GET /api/v1/models``, and the older API of one that is too old for it, before one deadline."""

from inventory.config.servers import Server
from inventory.normalize.response import is_too_old
from inventory.sources import Deadline, RawResponse
from inventory.sources._connections import Connections
from inventory.sources._http import get


async def fetch(server: Server, deadline: Deadline, connections: Connections) -> RawResponse:
    """Ask the server for its models.

    Raises:
        ServerError: no complete answer came.
    """
    answer = await get(server, "lmstudio", deadline, connections)
    if is_too_old(answer.body, answer.http_status or 200, answer.path):
        return await get(server, "lmstudio_v0", deadline, connections)
    return answer
