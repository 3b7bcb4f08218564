"""What changed between two CSV files of models, with csv-diff."""

import json
import sys

from csv_diff import compare, load_csv

old, new = (load_csv(open(f"{name}.csv", newline=""), key="id") for name in sys.argv[1:])  # noqa: PTH123, SIM115
found = compare(old, new)
changes = [(word, row["key"]) for word in ("added", "removed") for row in found[word]]
changes += [("reconfigured", new[row["key"]]["key"]) for row in found["changed"]]
sys.stdout.write(json.dumps(changes))
