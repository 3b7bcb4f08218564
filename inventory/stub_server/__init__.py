"""A stand-in for LM Studio 0.4.25 on 127.0.0.1, over real HTTP, for ``lms-inventory demo`` and for tests.

Rows of models, or bodies of responses, go in; what LM Studio would answer comes out. Others import ``StubServer``, the
samples ``inventory_before`` and ``inventory_after``, ``DOCUMENTED`` and ``SCENARIOS`` from here.

The manual's page ``stand-in`` says which answers were captured from LM Studio, and which are not known.
"""

from inventory.stub_server.connections import Request
from inventory.stub_server.documented import DOCUMENTED
from inventory.stub_server.models import inventory_after, inventory_before
from inventory.stub_server.scenarios import SCENARIOS
from inventory.stub_server.server import StubServer

__all__ = ["DOCUMENTED", "SCENARIOS", "Request", "StubServer", "inventory_after", "inventory_before"]
