"""The catalog: what is compiled beside the tiers says the same as they do."""

from tests.gateway.world import catalog


def test_the_catalog_finds_every_place_of_a_tier_by_its_id() -> None:
    for each in catalog().models.values():
        assert [list(places.items()) for places in each.places] == [[(c.id, c) for c in tier] for tier in each.tiers]


def test_what_a_deployment_serves_cannot_be_changed_by_whoever_reads_it() -> None:
    for each in catalog().models.values():
        served = [place.deployment.families for tier in each.tiers for place in tier]
        assert served and all(type(families) is frozenset for families in served)
