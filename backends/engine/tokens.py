"""/tokenize and /detokenize, each the other's inverse, counting as generation does."""

from backends.engine import prompt
from backends.engine.errors import Refusal
from backends.engine.http import Answer, Request
from backends.engine.requests import DetokenizeRequest, TokenizeRequest, read
from backends.engine.service import Service, encode
from backends.engine.text import decode
from backends.engine.text import encode as encode_tokens


def serve_tokenize(service: Service, request: Request, answer: Answer) -> None:
    asked = read(request.body, TokenizeRequest)
    service.check_model(asked.model)
    if asked.prompt is not None:
        rendered = prompt.plain(asked.prompt.encode())
    elif asked.messages:
        rendered = prompt.chat(
            asked.messages,
            asked.tools,
            generate=asked.add_generation_prompt,
            continue_final=asked.continue_final_message,
        )
    else:
        raise Refusal(400, "prompt or messages is needed")
    tokens = encode_tokens(rendered.data)
    limit = service.limits.max_model_len
    answer.respond(200, encode({"count": len(tokens), "max_model_len": limit, "tokens": tokens, "token_strs": None}))


def serve_detokenize(service: Service, request: Request, answer: Answer) -> None:
    asked = read(request.body, DetokenizeRequest)
    service.check_model(asked.model)
    answer.respond(200, encode({"prompt": decode(asked.tokens).decode(errors="replace")}))
