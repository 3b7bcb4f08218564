"""Tests of ``inventory/history/storage/``."""
