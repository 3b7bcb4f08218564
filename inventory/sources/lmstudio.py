"""LM Studio 0.4.0 or newer: ``GET /api/v1/models``."""

from inventory.servers import Server
from inventory.sources import Answer
from inventory.sources._http import get

PATH = "/api/v1/models"


async def fetch(server: Server, timeout: float) -> Answer:
    """Ask the server for its models.

    Raises:
        ServerError: no complete answer came.
    """
    return await get(server, PATH, timeout)
