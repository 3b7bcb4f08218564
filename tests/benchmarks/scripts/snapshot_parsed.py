"""A run over saved answers in which every answer is parsed, recorded and compared; given the folder of the race."""

import sys
from pathlib import Path

from inventory import History
from inventory.collection.collector import query_servers
from inventory.config.servers import Server
from inventory.history.recorder import record

folder = Path(sys.argv[1])
history = History(folder / "parsed")
lines = (folder / "list.txt").read_text().splitlines()
servers = [Server(url, name) for name, _, url in (line.partition("=") for line in lines)]
snapshot = record(history, query_servers(servers, timeout=60))
history.diff("previous", snapshot.run_id)
