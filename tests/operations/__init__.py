"""Tests of ``inventory/operations/``."""
