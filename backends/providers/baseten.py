"""Baseten: model APIs, and dedicated deployments."""

from backends.providers.adapters import OPENAI_FEATURES, TEXT_FAMILIES, openai_api
from backends.providers.provider import LiteLlm, Provider

BASETEN = Provider(
    name="baseten",
    make=openai_api,
    families=TEXT_FAMILIES,
    features=OPENAI_FEATURES - {"documents", "audio"},
    base_url="https://inference.baseten.co/v1",
    metered=True,
    prices="baseten",
    litellm=LiteLlm(prefixes=("baseten",), key_variable="BASETEN_API_KEY"),
    note="a dedicated deployment has a `base_url` of its own",
)
