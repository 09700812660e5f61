"""Routes are worked out once in the life of a process, and yet belong to their build."""

from __future__ import annotations

from pyramid.interfaces import IRouteRequest, IRoutesMapper

from core.web.configurator import WebConfigurator


def test_what_follows_from_a_pattern_is_shared_by_builds_and_nothing_else() -> None:
    routes, types = [], []
    for factory in (object, dict):
        config = WebConfigurator()
        config.add_route("satu", "/satu/{id}", factory=factory)
        config.add_route("dua", "/dua", pregenerator=lambda *given: given[1:])
        config.commit()
        mapper = config.registry.getUtility(IRoutesMapper)
        assert [route.name for route in mapper.get_routes()] == ["satu", "dua"]
        assert mapper.get_route("satu").factory is factory
        assert mapper.get_route("satu").pregenerator is None
        assert mapper.generate("satu", {"id": "7"}) == "/satu/7"
        assert mapper.get_route("satu").match("/satu/7") == {"id": "7"}
        routes.append(mapper.get_route("satu"))
        types.append(config.registry.getUtility(IRouteRequest, name="satu"))
    assert routes[0] is not routes[1]
    assert routes[0].match is routes[1].match
    assert types[0] is types[1]


def test_a_route_that_is_added_again_takes_the_place_of_the_first() -> None:
    config = WebConfigurator(autocommit=True)
    config.add_route("satu", "/lama")
    config.add_route("satu", "/baru")
    mapper = config.registry.getUtility(IRoutesMapper)
    assert [route.pattern for route in mapper.get_routes()] == ["/baru"]
