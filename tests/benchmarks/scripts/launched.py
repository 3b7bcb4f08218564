"""Run a command with its output in a file, and print its seconds, greatest memory, CPU seconds and exit code as JSON.

A process inherits the greatest memory of the one that starts it: this one is small, whatever the benchmark holds.

    launched.py FILE COMMAND...
"""

import json
import os
import sys
import time

file, command = sys.argv[1], sys.argv[2:]
began = time.perf_counter()
to_file = (os.POSIX_SPAWN_OPEN, 1, file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
process = os.posix_spawnp(command[0], command, os.environ, file_actions=[to_file])
_, status, usage = os.wait4(process, 0)
seconds = time.perf_counter() - began
scale = 1 if sys.platform == "darwin" else 1024
cpu = usage.ru_utime + usage.ru_stime
sys.stdout.write(json.dumps([seconds, usage.ru_maxrss * scale / 1e6, cpu, os.waitstatus_to_exitcode(status)]))
