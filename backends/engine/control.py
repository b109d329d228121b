"""Operator endpoints: health, load, sleep, faults. They never need the API key."""

from importlib.metadata import version

from backends.engine.errors import Refusal
from backends.engine.faults import Fault
from backends.engine.http import SERVER, Answer, Request
from backends.engine.requests import read
from backends.engine.service import Service, encode


def serve_health(service: Service, request: Request, answer: Answer) -> None:
    answer.respond(200, b"")


def serve_version(service: Service, request: Request, answer: Answer) -> None:
    answer.respond(200, encode({"version": version("cloverleaf"), "server": SERVER}))


def serve_load(service: Service, request: Request, answer: Answer) -> None:
    answer.respond(200, encode({"server_load": service.runner.in_flight}))


def serve_metrics(service: Service, request: Request, answer: Answer) -> None:
    runner = service.runner
    text = runner.metrics.render(service.model, runner.model, service.profile, runner.sleep_level)
    answer.respond(200, text, "text/plain; version=0.0.4; charset=utf-8")


def serve_sleep(service: Service, request: Request, answer: Answer) -> None:
    level = request.query.get("level", "1")
    if level not in ("1", "2"):
        raise Refusal(400, "level must be 1 or 2", "level")
    service.runner.sleep(int(level))
    answer.respond(200, b"")


def serve_wake_up(service: Service, request: Request, answer: Answer) -> None:
    service.runner.wake()
    answer.respond(200, b"")


def serve_is_sleeping(service: Service, request: Request, answer: Answer) -> None:
    answer.respond(200, encode({"is_sleeping": service.runner.model.asleep}))


def serve_arm(service: Service, request: Request, answer: Answer) -> None:
    """One more fault, on top of those already armed."""
    service.faults.arm(read(request.body, Fault))
    serve_faults(service, request, answer)


def serve_faults(service: Service, request: Request, answer: Answer) -> None:
    """What is armed, and how often each was met and struck."""
    answer.respond(200, encode({"faults": service.faults.armed}))


def serve_disarm(service: Service, request: Request, answer: Answer) -> None:
    service.faults.armed.clear()
    serve_faults(service, request, answer)
