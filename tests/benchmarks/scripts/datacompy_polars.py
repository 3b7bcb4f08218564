"""What changed between two Parquet files of models, with datacompy on polars."""

import json
import sys

import polars
from compared import changes
from datacompy import PolarsCompare

old, new = (polars.read_parquet(f"{name}.parquet") for name in sys.argv[1:])
sys.stdout.write(json.dumps([(word, key) for word, _, key in changes(PolarsCompare(old, new, join_columns=["id"]))]))
