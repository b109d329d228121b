"""The catalog: what the configuration says, compiled."""

from tests.gateway.world import catalog


def test_what_a_deployment_serves_cannot_be_changed_by_whoever_reads_it() -> None:
    for each in catalog().models.values():
        served = [deployment.families for deployment in each.deployments]
        assert served and all(type(families) is frozenset for families in served)
