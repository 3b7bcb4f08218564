"""Tests of ``inventory/formats/parquet/``."""
