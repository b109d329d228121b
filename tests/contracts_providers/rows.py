"""Every provider that the laws are checked on."""

from tests.contracts_providers import anthropic, bedrock, chat, google
from tests.contracts_providers.harness import Broken, Case, Provider, Refusal

PROVIDERS: tuple[Provider, ...] = (
    anthropic.PROVIDER,
    anthropic.CLAUDE_ON_VERTEX,
    bedrock.PROVIDER,
    chat.PROVIDER,
    google.GEMINI,
    google.VERTEX,
)
CASES: list[tuple[Provider, Case]] = [(provider, case) for provider in PROVIDERS for case in provider.cases]
REFUSALS: list[tuple[Provider, Refusal]] = [(p, refusal) for p in PROVIDERS for refusal in p.refusals]
BROKEN: list[tuple[Provider, Broken]] = [(p, broken) for p in PROVIDERS for broken in p.broken]


def name(value: object) -> str:
    return value.name if isinstance(value, Provider | Case | Refusal | Broken) else str(value)
