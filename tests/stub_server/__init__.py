"""Tests of ``inventory.stub_server``."""
