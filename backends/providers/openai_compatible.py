"""Any other server that speaks OpenAI's API, at an address that the deployment gives."""

from backends.contract.families import ALL_FAMILIES
from backends.providers.adapters import openai_api
from backends.providers.provider import Provider
from backends.serving.capabilities import ALL

OPENAI_COMPATIBLE = Provider(
    name="openai_compatible",
    make=openai_api,
    families=ALL_FAMILIES - {"messages", "count_tokens", "responses"},  # few such servers speak these themselves
    features=ALL,
    metered=True,
)
