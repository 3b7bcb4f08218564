"""Tests of ``inventory/rules/``."""
