"""Faults are met on the event loop that the product serves on."""

from tests.backends.transports.conftest import certificate
from tests.contracts.conftest import pytest_asyncio_loop_factories

__all__ = ["certificate", "pytest_asyncio_loop_factories"]
