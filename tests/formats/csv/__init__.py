"""Tests of ``inventory/formats/csv/``."""
