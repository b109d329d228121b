"""`cloverleaf check` as a user runs it: what it prints, where, and how it exits."""

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest
import yaml

from gateway.commands.check import add_arguments, run
from gateway.config.secret import MASK

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from argparse import ArgumentParser
from gateway.commands.check import add_arguments, run
parser = ArgumentParser()
add_arguments(parser)
sys.exit(run(parser.parse_args()))
"""


@pytest.fixture
def check(capsys, tmp_path):
    """Run the command on text, or on a path as it is; (exit status, stdout, stderr without the directory)."""

    def check(config: str | Path | None, *flags: str) -> tuple[int, str, str]:
        parser = ArgumentParser()
        add_arguments(parser)
        if isinstance(config, str):
            (tmp_path / "c.yaml").write_text(config)
            config = tmp_path / "c.yaml"
        status = run(parser.parse_args([*([str(config)] if config else []), *flags]))
        out, err = capsys.readouterr()
        return status, out.replace(f"{tmp_path}/", ""), err.replace(f"{tmp_path}/", "")

    return check


def test_a_valid_file_is_summed_up_on_a_screen(check, small):
    status, out, err = check(small)
    assert (status, err) == (0, "")
    assert (
        out
        == """c.yaml: valid
listens on 127.0.0.1:8080, admin on 127.0.0.1:8081
accepts direct loopback clients only: no keys

m: policy order
  tier 1  pool  vllm m  http://127.0.0.1:8000
  tier 2  cloud  openai gpt-4o-mini  https://api.openai.com/v1
"""
    )


def test_a_long_file_still_fits_a_screen(check, small):
    more = "".join(f"  m{n}: {{deployments: [pool]}}\n" for n in range(99))
    _, out, _ = check(small + more)
    assert out.count("policy order") == 20
    assert out.endswith("... and 80 more models: --show prints them\n")


def test_problems_go_to_stderr_one_line_each_and_exit_2(check, small):
    status, out, err = check(f"server: {{prot: 1}}\nadmin: {{port: x}}\n{small}")
    assert (status, out) == (2, "")
    assert err.splitlines() == [
        'c.yaml:1: server.prot: unknown key; did you mean "port"?',
        "c.yaml:2: admin.port: expected a whole number, got text",
    ]


def test_a_warning_does_not_fail_the_check(check, small):
    status, out, err = check(f"server: {{host: 0.0.0.0}}\n{small}")
    assert (status, out.splitlines()[0]) == (0, "c.yaml: valid")
    assert err.startswith("c.yaml: warning: server.host is 0.0.0.0")


def test_show_fills_in_defaults_masks_secrets_and_takes_policies_apart(check, small):
    secrets = (
        "admin: {token: canary-1}\nauth: {keys: [{name: a, key: canary-2}]}\npolicies: {spread: {kind: power_of_two}}\n"
    )
    text = small.replace("model: gpt-4o-mini", "model: gpt-4o-mini, api_key: canary-3, headers: {x-a: canary-4}")
    status, out, _ = check(secrets + text, "--show")
    shown = yaml.safe_load(out)
    assert status == 0
    assert "canary" not in out
    assert shown["deployments"]["cloud"]["headers"] == {"x-a": MASK}
    assert shown["defaults"]["timeouts"]["connect"] == "5s"
    assert shown["deployments"]["pool"]["scrape"] == "1s"
    assert shown["policies"]["spread"]["sample"] == 2
    assert {"kind": "healthy"} in shown["policies"]["spread"]["filters"]
    assert shown["policies"]["order"]["pick"] == {"kind": "best"}


def test_what_is_shown_is_a_configuration_again(check, accept, small):
    _, out, _ = check(small, "--show")
    shown = yaml.safe_load(out)
    del shown["policies"]
    assert accept(yaml.safe_dump(shown)) == accept(small)


def test_the_schema_needs_no_file(check):
    status, out, _ = check(None, "--schema")
    assert status == 0
    assert out == (ROOT / "config" / "schema.json").read_text()


def test_a_broken_file_fails_even_when_only_the_schema_is_asked_for(check):
    assert check("{", "--schema")[0] == 2


def test_nothing_to_check_is_a_usage_error(check):
    assert check(None) == (2, "", "check: give a CONFIG, or --schema\n")


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("absent.yaml", None),
        (".", None),
        ("empty.yaml", b""),
        ("binary.yaml", bytes(range(256))),
        ("utf16.yaml", b"\xff\xfea\0"),
    ],
)
def test_an_unreadable_file_is_one_clear_line_and_exit_2(check, tmp_path, name, raw):
    path = tmp_path / name
    if raw is not None:
        path.write_bytes(raw)
    status, out, err = check(path)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err


def test_as_a_process_it_reads_the_environment_and_prints_no_secret(tmp_path):
    environ = os.environ | {
        name: f"canary-{name}" for name in ("CLOVERLEAF_WEB_KEY", "CLOVERLEAF_BATCH_KEY", "VLLM_API_KEY")
    }
    environ.pop("OPENAI_API_KEY", None)
    command = [sys.executable, "-c", PROGRAM, "config/production.yaml", "--show"]
    missing = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "OPENAI_API_KEY is not set" in missing.stderr
    whole = subprocess.run(
        command, cwd=ROOT, env=environ | {"OPENAI_API_KEY": "canary"}, capture_output=True, text=True, check=False
    )
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "canary" not in missing.stderr + whole.stdout
