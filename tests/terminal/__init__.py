"""Tests of ``inventory/terminal/``."""
