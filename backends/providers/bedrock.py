"""AWS Bedrock: Converse for conversations, InvokeModel for embeddings."""

from backends.contract.adapter import Adapter
from backends.contract.credentials import Credentials, Fixed, Missing
from backends.contract.endpoint_address import EndpointAddress
from backends.providers.adapters import translated
from backends.providers.provider import AdapterDeps, Endpoint, LiteLlm, Provider
from backends.serving.capabilities import ALL


def make(provider: Provider, endpoint: Endpoint, deps: AdapterDeps) -> Adapter:
    from backends.dialects.bedrock.dialect import Bedrock  # botocore

    place = EndpointAddress(endpoint.root, credentials(endpoint, deps), endpoint.headers)
    return translated(endpoint, deps, place, Bedrock(endpoint.model))


def credentials(endpoint: Endpoint, deps: AdapterDeps) -> Credentials:
    """A key of Bedrock's, or an access key that signs."""
    from backends.auth.aws_signature import SigV4  # botocore

    if endpoint.api_key:
        return Fixed(authorization=f"Bearer {endpoint.api_key}")
    if endpoint.aws is None:
        return Missing("there are no AWS credentials: set aws, api_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return SigV4(endpoint.aws, endpoint.region, deps.wall)


BEDROCK = Provider(
    name="bedrock",
    make=make,
    families=frozenset(),
    translated=frozenset({"embeddings"}),
    features=ALL - {"audio", "seed", "penalties", "logprobs", "n"},
    base_url="https://bedrock-runtime.{region}.amazonaws.com",
    auth=("api_key", "aws"),
    options=frozenset({"region"}),
    fetches_media=False,
    prices="aws",
    otel="aws.bedrock",
    litellm=LiteLlm(prefixes=("bedrock",), routes=("converse/", "invoke/")),
)
