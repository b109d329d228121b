"""Cache metrics. Rule: what told of engines' caches, and whether their events can be relied on."""

from collections.abc import Iterator

from gateway.caches import Caches


def cache_lines(caches: Caches) -> Iterator[str]:
    """Nothing where no policy reads prefixes."""
    mirrors = [(_endpoint(id), precise.mirrors[id]) for id, precise in caches.of.items()]
    rows: dict[str, list[tuple[str, int]]] = {
        "cloverleaf_prefix_rung_total": [
            (f'gen_ai_request_model="{_quoted(model)}",rung="{rung.value}"', n)
            for (model, rung), n in caches.rungs.items()
        ],
        "cloverleaf_endpoint_kv_events_live": [(labels, int(mirror.state == "live")) for labels, mirror in mirrors],
        "cloverleaf_endpoint_kv_blocks": [(labels, len(mirror.names)) for labels, mirror in mirrors],
        "cloverleaf_kv_purges_total": [
            (f'{labels},cause="{cause}"', n) for labels, mirror in mirrors for cause, n in mirror.purges.items()
        ],
        "cloverleaf_kv_garbage_total": [(_endpoint(id), n) for id, n in caches.garbage.items()],
        "cloverleaf_kv_prompts_total": [
            (f'deployment="{_quoted(name)}",result="{result}"', n) for (name, result), n in caches.prompts.items()
        ],
    }
    for name, values in rows.items():
        if values:
            yield f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}"
            yield from (f"{name}{{{labels}}} {value}" for labels, value in values)


def _endpoint(id: tuple[str, str]) -> str:
    return f'deployment="{_quoted(id[0])}",endpoint="{_quoted(id[1])}"'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
