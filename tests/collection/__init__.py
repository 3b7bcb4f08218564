"""Tests of ``inventory/collection/``."""
