"""The simulated pool: a configuration and the command's options as a catalog, with an upstream model per endpoint."""

import msgspec

from backends.engine.profile import Profile
from gateway.catalog.catalog import Catalog, compile_catalog
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.catalog.ownership import is_own
from gateway.config import Config
from gateway.simulate.baselines import baseline
from gateway.simulate.event_queue import Agenda
from gateway.simulate.trace import Trace
from gateway.simulate.upstream_models import Cloud, OwnReplica
from gateway.simulate.workload_spec import CloudSpec
from gateway.state.live_state import LiveState
from policies.selection.model import Model


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command says of the pool; None leaves it to the configuration and the engine's profile.

    ``profile``: what a replica costs and holds, but that its block is the trace's. ``replicas`` of every own
    deployment, ``kv_tokens`` of cache in each. ``prefill_rate``: uncached prompt tokens a second, whatever their number
    (no fixed part, no quadratic one).
    """

    model: str | None = None
    profile: Profile = Profile()
    replicas: int | None = None
    kv_tokens: int | None = None
    prefill_rate: float | None = None


def profile(options: Options, block: int) -> Profile:
    """The profile of a replica of the simulated pool, in the trace's blocks.

    Raises:
        ValueError: the cache would hold no block.
    """
    usual = options.profile
    tokens = usual.num_blocks * usual.block_size if options.kv_tokens is None else options.kv_tokens
    made = msgspec.structs.replace(usual, block_size=block, num_blocks=tokens // block)
    made.__post_init__()
    if options.prefill_rate is None:
        return made
    return msgspec.structs.replace(
        made, prefill_base=0.0, prefill_per_token=1 / options.prefill_rate, prefill_per_token_squared=0.0
    )


def compile_pool(config: Config, live: LiveState, options: Options, policy: str) -> tuple[Catalog, Model]:
    """The catalog as the gateway compiles it, and the simulated model, ranked by the policy of that name.

    Own deployments have as many endpoints as the options say.
    """
    name = options.model or next(iter(config.models))
    models = dict(config.models)
    if baseline(policy) is None:
        models[name] = msgspec.structs.replace(models[name], policy=policy)
    deployments, roots = {}, {}
    for each, deployment in config.deployments.items():
        count = options.replicas if is_own(deployment, config) else None
        if deployment.provider.started_here:
            count = count or deployment.replicas or 1
            roots[each] = [f"http://{each}-{number}" for number in range(count)]
            deployment = msgspec.structs.replace(deployment, replicas=count)
        elif count is not None:
            endpoints = [f"http://{each}-{number}" for number in range(count)]
            deployment = msgspec.structs.replace(deployment, endpoints=endpoints)
        deployments[each] = deployment
    config = msgspec.structs.replace(config, deployments=deployments, models=models)
    catalog = compile_catalog(config, live, roots, CredentialRefresher())
    model = catalog.models[name]
    other = baseline(policy)
    return catalog, model if other is None else msgspec.structs.replace(model, policy=other)


def places(
    catalog: Catalog, trace: Trace, options: Options, agenda: Agenda
) -> dict[tuple[str, str], OwnReplica | Cloud]:
    """What answers at each endpoint."""
    replica, cloud = profile(options, trace.block), trace.cloud or CloudSpec()
    made: dict[tuple[str, str], OwnReplica | Cloud] = {}
    for candidates in catalog.candidates.values():
        for candidate in candidates:
            own = candidate.deployment.own
            made[candidate.id] = OwnReplica(replica, trace.block, agenda) if own else Cloud(cloud, agenda)
    return made
