"""AWS Bedrock's endpoint that speaks OpenAI's API, for OpenAI's open-weight models."""

from backends.contract.adapter import Adapter
from backends.dialects.openai.field_rules import FieldRules
from backends.providers.adapters import OPENAI_FEATURES, openai_api
from backends.providers.bedrock import BEDROCK, credentials
from backends.providers.provider import AdapterDeps, Endpoint, Provider


def make(provider: Provider, endpoint: Endpoint, deps: AdapterDeps) -> Adapter:
    return openai_api(provider, endpoint, deps, credentials(endpoint, deps))


BEDROCK_OPENAI = Provider(
    name="bedrock_openai",
    make=make,
    families=frozenset({"chat"}),
    features=OPENAI_FEATURES - {"images", "documents", "audio", "logprobs", "n"},
    fields=FieldRules(rejects=("n", "logprobs", "top_logprobs")),
    base_url=f"{BEDROCK.base_url}/openai/v1",
    auth=BEDROCK.auth,
    options=BEDROCK.options,
    prices="aws",
    otel="aws.bedrock",
    note="AWS credentials as for `bedrock`; OpenAI's open-weight models only, Converse has the others",
)
