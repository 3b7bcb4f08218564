"""Tests of ``inventory/normalize/``."""
