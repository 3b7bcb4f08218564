"""Tests of ``inventory/history/``."""
