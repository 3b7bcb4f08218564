"""Many servers on 127.0.0.1 in one process, each at a port of its own, all with the same answer.

    python config/servers.py BODY ADDRESSES COUNT

Writes the addresses into a file, prints a line, and serves until it is ended.
"""

import asyncio
import contextlib
import resource
import sys
from pathlib import Path


async def main(body: str, addresses: str, count: str) -> None:
    """Serve."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    content = Path(body).read_bytes()
    lines = ("HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(content)}")
    head = "\r\n".join((*lines, "Connection: close", "", "")).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head + content)
            await writer.drain()
        writer.close()

    servers = [await asyncio.start_server(answer, "127.0.0.1", 0) for _ in range(int(count))]
    Path(addresses).write_text("\n".join(f"http://127.0.0.1:{one.sockets[0].getsockname()[1]}" for one in servers))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
