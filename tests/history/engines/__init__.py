"""Tests of the family ``engines``."""
