"""What the fuzzer bends. Rule: good inputs of every kind that the gateway reads, small, so that every byte counts."""

from tests.contracts.families import BLOCK, COMPLETED, CREATED, DELTA, DONE, FINISH, IN_BAND, MESSAGE, ROLE, STOP, TEXT
from tests.contracts.scripted import ANSWER

USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}\n\n'
TIGHT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"hi"},"logprobs":null,"finish_reason":null}]}\n\n'
BODIES = (
    b'{"model":"m","messages":[{"role":"user","content":"hi"}]}',
    b'{"model":"m","messages":[],"stream":true}',
    b'{"stream":true,"stream_options":{"include_usage":false},"model":"m","messages":[]}',
    b' { "messages" : [ ] ,\t"model" : "m" , "seed":18446744073709551617 , "n":2}\r\n',
    b'{"a":"\\"model\\":\\"m\\"","model":"m","b":"\\ud83c\\udf40","c":"\xf0\x9f\x8d\x80"}',
    b'{"model":"m","input":["a","b"],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]}',
    b'{"model":"other","prompt":[1,2,3],"max_tokens":5,"logit_bias":{"1":-100},"stop":["\\n"]}',
    b'{"messages":[]}',
)
STEERED = (
    b'{"model":"m","models":["m","other"],"provider":{"order":["d"],"allow_fallbacks":false},"messages":[]}',
    b'{"model":"m","provider":{"only":["d"],"sort":"price","max_price":{"prompt":1}},"priority":1,"messages":[]}',
    b'{"models":["mini-m"],"provider":{"ignore":["x"],"sort":"latency"},"stream":true,"messages":[]}',
)
FORM_TYPE = b"multipart/form-data; boundary=bound"
FORMS = (
    b'--bound\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n'
    b'--bound\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--bound--\r\n',
    b"--bound\r\ncontent-disposition: form-data; name=model\r\n\r\nm\r\n"
    b'--bound\r\ncontent-disposition: form-data; name="stream"\r\n\r\ntrue\r\n--bound--',
    b'preamble\r\n--bound\r\nContent-Disposition: form-data; name="a\\"model"\r\n\r\nm\r\n--bound--\r\n',
)
CHAT = (
    ROLE + TEXT + FINISH + USAGE + DONE,
    ROLE + TIGHT * 3 + FINISH + DONE,
    TIGHT.replace(b'"index":0', b'"index":1') + TIGHT + FINISH,
    ROLE + IN_BAND + DONE,
    (ROLE + TEXT + b": ping\n\n" + FINISH + DONE).replace(b"\n", b"\r\n"),
)
CALLS = (
    ROLE + b'data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":"f",'
    b'"arguments":"{"}}]}}]}\n\n'
    b'data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]},'
    b'"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3}}\n\n' + DONE,
    b'data: {"id":"c","choices":[{"index":"0","delta":{"reasoning_content":"so","content":["x"]}},7,null]}\n\n' + DONE,
)
TYPED = (CREATED + DELTA + COMPLETED, MESSAGE + BLOCK + STOP, CREATED + b'event: error\ndata: {"type":"error"}\n\n')
ERRORS = (
    b'{"error":{"message":"slow","type":"rate_limit_error","code":429,"retry_after":3}}',
    b'{"error":{"message":"try again in 6m0s","details":[{"retryDelay":"34.4s"}],"code":"context_length_exceeded"}}',
    b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}',
    b'{"detail":[{"loc":["body"],"msg":"field required"}]}',
    b'"it died"',
)
HEADERS = (b"3", b"0.5", b"Wed, 21 Oct 2026 07:28:30 GMT", b"6m0s", b"132ms", b"-1", b"nan", b"1e308", b"")
REPLIES = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER),
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.0 503 Busy\r\nretry-after: 3\r\nconnection: close\r\n\r\nbusy",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nx-trailer: a\r\n\r\n",
)
REQUESTS = (
    *(
        b"POST %b HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
        % (path, len(body), body)
        for path, body in zip(
            (b"/v1/chat/completions", b"/v1/completions", b"/v1/embeddings", b"/v1/responses", b"/v1/messages"),
            BODIES,
            strict=False,
        )
    ),
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n"
    b"9\r\n{\"model\":\r\n4\r\n\"m\"}\r\n0\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\nx-request-id: abc\r\n\r\n",
    b"GET /v1/models/m?a=%00 HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: http://a\r\n\r\n",
    b"OPTIONS /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: http://a\r\n\r\n",
    b"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b"
    % (FORM_TYPE, len(FORMS[0]), FORMS[0]),
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nexpect: 100-continue\r\ncontent-length: 14\r\n\r\n"
    b"{\"model\":\"m\"} ",
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n"
    b"http2-settings: AA\r\ncontent-length: 2\r\n\r\n{}",
)  # fmt: skip
