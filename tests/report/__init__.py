"""Tests of ``inventory/report/``."""
