"""Vertex AI's endpoint that speaks OpenAI's API."""

from backends.contract.adapter import Adapter
from backends.dialects.openai.field_rules import FieldRules
from backends.providers.adapters import OPENAI_FEATURES, openai_api
from backends.providers.provider import AdapterDeps, Endpoint, Provider
from backends.providers.vertex import VERTEX, credentials


def make(provider: Provider, endpoint: Endpoint, deps: AdapterDeps) -> Adapter:
    return openai_api(provider, endpoint, deps, credentials(endpoint, deps))


VERTEX_OPENAI = Provider(
    name="vertex_openai",
    make=make,
    families=frozenset({"chat"}),
    features=OPENAI_FEATURES - {"documents", "audio"},
    fields=FieldRules(rejects=("logit_bias",)),
    base_url="{root}/projects/{project}/locations/{region}/endpoints/openapi",
    auth=VERTEX.auth,
    options=VERTEX.options,
    prices="google",
    otel="gcp.vertex_ai",
    note="Google credentials as for `vertex`; model names like `google/gemini-…`",
)
