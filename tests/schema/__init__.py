"""Tests of ``inventory/schema/``."""
