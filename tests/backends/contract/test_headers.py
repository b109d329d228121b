"""Header fields: each name once, whatever is put together."""

from hypothesis import given
from hypothesis import strategies as st

from backends.contract.headers import CARRIED, NO_HEADERS, EndpointHeaders, headers, rendered

NAMES = st.sampled_from([b"host", b"content-type", b"anthropic-beta", b"traceparent", b"x-team"])
FIELDS = st.dictionaries(NAMES, st.sampled_from([b"a", b"b", b""]))


@given(FIELDS, FIELDS)
def test_two_heads_together_have_each_name_once_and_the_lines_say_the_fields(
    first: dict[bytes, bytes], second: dict[bytes, bytes]
) -> None:
    both = rendered(first) | rendered(second)
    assert both.lines == rendered(both.fields).lines
    assert both.fields.keys() == first.keys() | second.keys()
    for name in second.keys() - {b"anthropic-beta"}:
        assert both.fields[name] == second[name]


def test_values_of_a_list_are_joined() -> None:
    both = headers(host="h", anthropic_beta="files") | headers(anthropic_beta="context-1m")
    assert both.lines == b"host: h\r\nanthropic-beta: files,context-1m\r\n"


def test_a_client_head_is_put_together_with_an_endpoints_once() -> None:
    endpoint = EndpointHeaders(headers(host="h", traceparent="configured"), CARRIED)
    joined = endpoint.beside(headers(traceparent="client", anthropic_beta="b"))
    assert joined.lines == b"host: h\r\ntraceparent: client\r\n"
    assert endpoint.beside(headers(traceparent="client", anthropic_beta="b")) is joined
    assert endpoint.beside(NO_HEADERS).lines == b"host: h\r\ntraceparent: configured\r\n"


def test_clients_whose_heads_all_differ_fill_no_memory() -> None:
    endpoint = EndpointHeaders(headers(host="h"), CARRIED)
    kept = [endpoint.beside(headers(traceparent=str(number))) for number in range(1000)]
    assert endpoint.beside(headers(traceparent="0")) is not kept[0]
    assert endpoint.beside(headers(traceparent="999")) is kept[999]
