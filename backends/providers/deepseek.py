"""DeepSeek."""

from backends.dialects.openai.field_rules import FieldRules
from backends.providers.adapters import OPENAI_FEATURES, openai_api
from backends.providers.provider import LiteLlm, Provider

DEEPSEEK = Provider(
    name="deepseek",
    make=openai_api,
    families=frozenset({"chat"}),
    features=OPENAI_FEATURES - {"images", "documents", "audio", "json_schema", "seed", "n", "service_tier"},
    fields=FieldRules(rejects=("seed", "n")),
    base_url="https://api.deepseek.com/v1",
    prices="deepseek",
    litellm=LiteLlm(prefixes=("deepseek",), key_variable="DEEPSEEK_API_KEY"),
    note="reasoning in `reasoning_content`; JSON without a schema only",
)
