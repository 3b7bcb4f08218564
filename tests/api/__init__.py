"""Tests of ``inventory/api/``."""
