"""Tokenize and detokenize: the engine's own endpoints that are let through."""

import httpx

from tests.engine.prompts import HELLO

TEXT = "import os  # ☘ 四つ葉"


def test_a_text_survives_its_tokens(http: httpx.Client) -> None:
    tokens = http.post("/tokenize", json={"model": "chat", "prompt": TEXT}).raise_for_status().json()
    assert tokens["count"] == len(tokens["tokens"])
    again = http.post("/detokenize", json={"model": "chat", "tokens": tokens["tokens"]}).raise_for_status().json()
    assert again["prompt"] == TEXT


def test_the_tokens_of_a_conversation_are_those_it_is_billed_for(http: httpx.Client) -> None:
    tokens = http.post("/tokenize", json={"model": "chat", "messages": HELLO}).raise_for_status().json()
    answer = http.post("/v1/chat/completions", json={"model": "chat", "messages": HELLO, "max_tokens": 1}).json()
    assert tokens["count"] == answer["usage"]["prompt_tokens"]


def test_a_key_is_needed_here_too(http: httpx.Client) -> None:
    wrong = {"authorization": "Bearer wrong"}
    assert http.post("/tokenize", json={"model": "chat", "prompt": TEXT}, headers=wrong).status_code == 401
