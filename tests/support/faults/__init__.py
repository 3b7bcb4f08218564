"""Tests of ``inventory/support/faults/``."""
