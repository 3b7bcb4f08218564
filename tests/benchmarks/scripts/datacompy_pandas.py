"""What changed between two Parquet files of models, with datacompy on pandas."""

import json
import sys

import pandas
from compared import changes
from datacompy import PandasCompare

old, new = (pandas.read_parquet(f"{name}.parquet") for name in sys.argv[1:])
sys.stdout.write(json.dumps([(word, key) for word, _, key in changes(PandasCompare(old, new, join_columns=["id"]))]))
