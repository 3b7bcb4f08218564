"""Many servers on 127.0.0.1 in one process, each at a port of its own, all with the same answer.

    python servers.py BODY ADDRESSES COUNT [changing]

With ``changing`` the last one gives another answer each time: the context length of a model counts up.
Writes the addresses into a file, prints a line, and serves until it is ended.
"""

import asyncio
import contextlib
import itertools
import re
import resource
import sys
from functools import partial
from pathlib import Path


async def main(body: str, addresses: str, count: str, changing: str = "") -> None:
    """Serve."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    content = Path(body).read_bytes()
    numbers = itertools.count(1000)

    def response(body: bytes) -> bytes:
        lines = ("HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}")
        return "\r\n".join((*lines, "Connection: close", "", "")).encode() + body

    def another() -> bytes:
        return response(re.sub(rb'("max_context_length": ?)\d+', rb"\g<1>%d" % next(numbers), content, count=1))

    same = response(content)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, change: bool = False) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(another() if change else same)
            await writer.drain()
        writer.close()

    servers = [
        await asyncio.start_server(partial(answer, change=bool(changing) and number == int(count) - 1), "127.0.0.1", 0)
        for number in range(int(count))
    ]
    Path(addresses).write_text("\n".join(f"http://127.0.0.1:{one.sockets[0].getsockname()[1]}" for one in servers))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
