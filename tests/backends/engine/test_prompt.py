"""From messages to the bytes an engine reads."""

from backends.engine.prompt import IMAGE_TOKENS, chat
from backends.engine.requests import Message
from backends.engine.text import count_tokens

USER = Message("user", "hello")


def test_an_assistant_turn_is_opened_unless_refused() -> None:
    assert chat([USER]).data.endswith(b"<|im_start|>assistant\n")
    assert chat([USER], generate=False).data.endswith(b"<|im_end|>\n")


def test_a_continued_message_has_the_source_of_the_answer_it_continues() -> None:
    whole = chat([USER])
    continued = chat([USER, Message("assistant", "so far")], continue_final=True)
    assert continued.source == whole.source
    assert continued.data == whole.data + b"so far"
    assert continued.said == b"so far"


def test_the_next_turn_begins_with_the_bytes_of_this_one() -> None:
    answered = chat([USER, Message("assistant", "well"), Message("user", "and?")])
    assert answered.data.startswith(chat([USER]).data + b"well")


def test_parts_are_joined_and_an_image_costs_the_same_whatever_its_bytes() -> None:
    def picture(size: int) -> Message:
        url = {"url": "data:image/png;base64," + "A" * size}
        return Message("user", [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": url}])

    small, large = chat([picture(10)]), chat([picture(1_000_000)])
    assert small.tokens == large.tokens
    assert small.data != large.data
    assert small.tokens == count_tokens(chat([Message("user", "see")]).data + b"...." * IMAGE_TOKENS)


def test_tools_and_tool_calls_are_part_of_the_prompt() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert b'"name":"f"' in chat([USER, Message("assistant", None, [call])]).data
    assert b'"name":"g"' in chat([USER], [{"type": "function", "function": {"name": "g"}}]).data


def test_the_last_user_message_is_what_gets_echoed() -> None:
    assert chat([USER, Message("assistant", "x"), Message("user", "last")]).echo == "last"
    assert chat([Message("system", "only")]).echo == ""
