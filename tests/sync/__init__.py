"""Tests of ``inventory/sync``."""
