"""What changed between two Parquet files of models: a full join in SQL."""

import json
import sys

import duckdb

old, new = (f"{name}.parquet" for name in sys.argv[1:])
columns = duckdb.read_parquet(new).columns[4:]
differs = " OR ".join(f"o.{name} IS DISTINCT FROM n.{name}" for name in columns)
found = (
    duckdb.connect()
    .sql(f"""
    SELECT CASE WHEN o.key IS NULL THEN 'added' WHEN n.key IS NULL THEN 'removed' ELSE 'reconfigured' END AS change,
           coalesce(o.key, n.key) AS key
    FROM '{old}' o FULL JOIN '{new}' n ON o.server = n.server AND o.key = n.key AND o.ordinal = n.ordinal
    WHERE o.key IS NULL OR n.key IS NULL OR {differs}""")
    .fetchall()
)
sys.stdout.write(json.dumps(found))
