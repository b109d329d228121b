"""Hostile bytes meet the event loop that the product serves on."""

from tests.contracts.conftest import door, pytest_asyncio_loop_factories

__all__ = ["door", "pytest_asyncio_loop_factories"]
