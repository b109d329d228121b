"""Endpoint families: the table of every public path. A path that is not here is not served."""

import msgspec


class Family(msgspec.Struct, frozen=True):
    """One kind of endpoint.

    ``paths``: public ones, first the canonical one. ``events``: how a streamed answer speaks (``openai``: data-only
    chunks and [DONE]; ``typed``: named events). ``optional``: some upstreams answer whole although a stream was asked
    for, which their clients expect. ``form``: the request is multipart. ``binary``: so is the answer.
    """

    name: str
    paths: tuple[str, ...]
    events: str = ""
    optional: bool = False
    usage_option: bool = False  # usage in streams must be asked for
    form: bool = False
    binary: bool = False


FAMILIES = (
    Family("chat", ("/v1/chat/completions",), events="openai", usage_option=True),
    Family("completions", ("/v1/completions",), events="openai", usage_option=True),
    Family("embeddings", ("/v1/embeddings",)),
    Family("responses", ("/v1/responses",), events="typed"),
    Family("messages", ("/v1/messages",), events="typed"),
    Family("count_tokens", ("/v1/messages/count_tokens",)),
    Family("moderations", ("/v1/moderations",)),
    Family("images", ("/v1/images/generations",), events="typed", optional=True),
    Family("image_edits", ("/v1/images/edits",), events="typed", optional=True, form=True),
    Family("image_variations", ("/v1/images/variations",), form=True),
    Family("speech", ("/v1/audio/speech",), binary=True),
    Family("transcriptions", ("/v1/audio/transcriptions",), events="typed", optional=True, form=True),
    Family("translations", ("/v1/audio/translations",), form=True),
    Family("rerank", ("/v1/rerank", "/rerank", "/v2/rerank")),
    Family("score", ("/v1/score", "/score")),
    Family("tokenize", ("/tokenize",)),
    Family("detokenize", ("/detokenize",)),
)

OPENAI_FAMILIES = frozenset(
    {
        "chat",
        "completions",
        "embeddings",
        "responses",
        "moderations",
        "images",
        "image_edits",
        "image_variations",
        "speech",
        "transcriptions",
        "translations",
    }
)
VLLM_FAMILIES = frozenset(
    {
        "chat",
        "completions",
        "embeddings",
        "responses",
        "messages",
        "count_tokens",
        "transcriptions",
        "translations",
        "rerank",
        "score",
        "tokenize",
        "detokenize",
    }
)
ALL_FAMILIES = frozenset(family.name for family in FAMILIES)
