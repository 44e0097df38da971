"""A running cluster explains itself and shows the plan of a change before it makes it."""

from __future__ import annotations

import json

import pytest

from tests.e2e.site import START_S, Site

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _settled(site: Site) -> None:
    """The service runs before its start is known to have ended."""
    site.wait_whole(START_S)
    site.crm(site.cluster.names[0], "wait")


def test_the_controller_explains(site: Site) -> None:
    """Over gRPC, by whichever node is asked."""
    for node in site.cluster.names:
        (each,) = json.loads(site.crm(node, "--json", "explain", "service"))
        assert each["chosen"] == each["now_on"][0]
        assert "stays on" in each["verdict"]
        origins = {one["origin"] for view in each["nodes"] for one in view["contributions"]}
        assert origins == {"stickiness"}
    unknown = site.run(site.cluster.names[0], "crm", "explain", "nosuch")
    assert unknown.returncode == 105
    assert "no resource 'nosuch'" in unknown.stderr


def test_a_change_shows_its_plan_first(site: Site) -> None:
    """A dry run says what would happen and changes nothing; the change itself says it too."""
    node = site.cluster.names[0]
    shown = site.crm(node, "configure", "show")
    place = site.wait_active(START_S).node
    dry = site.crm(node, "--dry-run", "resource", "stop", "service")
    assert f"1. stop service on {place}" in dry
    assert site.crm(node, "simulate", "resource", "stop", "service") == dry
    assert site.crm(node, "configure", "show") == shown
    refused = site.run(node, "crm", "-n", "configure", "property", "no-quorum-policy=maybe")
    assert refused.returncode != 0
    assert "maybe" in refused.stderr
    done = site.run(node, "crm", "-w", "resource", "meta", "service", "set", "priority", "1")
    assert done.returncode == 0
    assert "This will change nothing that runs." in done.stderr
