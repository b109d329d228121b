"""The table of endpoint families."""

from backends.contract.families import ALL_FAMILIES, FAMILIES, OPENAI_FAMILIES, VLLM_FAMILIES


def test_every_path_belongs_to_one_family() -> None:
    paths = [path for family in FAMILIES for path in family.paths]
    assert len(paths) == len(set(paths))
    assert all(path.startswith("/") and not path.endswith("/") for path in paths)


def test_providers_serve_families_that_exist() -> None:
    assert OPENAI_FAMILIES < ALL_FAMILIES
    assert VLLM_FAMILIES < ALL_FAMILIES


def test_nothing_else_of_an_engines_surface_is_public() -> None:
    paths = {path for family in FAMILIES for path in family.paths}
    assert not paths & {
        "/metrics",
        "/invocations",
        "/sleep",
        "/wake_up",
        "/v1/load_lora_adapter",
        "/health",
        "/collective_rpc",
    }
