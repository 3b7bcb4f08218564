"""Tests of ``inventory/diff/``."""
