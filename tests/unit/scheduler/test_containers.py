"""What a bundle's settings become: parameters of containers, which enter recorded digests."""

from __future__ import annotations

import pytest

from cib_store.document.element import Element
from crmd.scheduler.configuration.containers import (
    addresses_of,
    container_element,
    describe,
    host_options,
    next_address,
)

_HTTPD = Element("primitive", {"id": "httpd", "class": "ocf", "type": "apache"})


def _bundle(technology: Element, *others: Element) -> Element:
    return Element("bundle", {"id": "web"}, (technology, *others))


def _parameters(element: Element) -> dict[str, str]:
    holder = element.child("instance_attributes")
    assert holder is not None
    return {pair.get("name"): pair.get("value") for pair in holder.each("nvpair")}


def _container(bundle: Element, number: int = 0) -> dict[str, str]:
    reports: list[str] = []
    described = describe(bundle, reports)
    assert described is not None
    assert not reports
    addresses = addresses_of(described, described.replicas, reports)
    hosts = host_options(described, addresses)
    return _parameters(container_element(described, number, addresses[number], hosts))


def test_container_with_addresses() -> None:
    """Name, ports and hosts come from the address range (features 11.8, 11.9, 11.11, 11.12)."""
    storage = Element(
        "storage",
        {},
        (
            Element("storage-mapping", {"id": "s", "source-dir": "/a", "target-dir": "/b"}),
            Element(
                "storage-mapping",
                {"id": "r", "source-dir-root": "/r", "target-dir": "/c", "options": "rw"},
            ),
        ),
    )
    network = Element(
        "network",
        {"ip-range-start": "10.0.0.254", "control-port": "4000"},
        (Element("port-mapping", {"id": "p", "port": "80", "internal-port": "8080"}),),
    )
    docker = Element("docker", {"image": "httpd", "replicas": "2", "options": "--init"})
    found = _container(_bundle(docker, network, storage, _HTTPD), 1)
    assert found["run_opts"] == (
        " --restart=no -h web-1 -e PCMK_stderr=1 -e PCMK_remote_port=4000"
        " -v /a:/b -v /r/web-1:/c:rw -v /etc/pacemaker/authkey:/etc/pacemaker/authkey"
        " -v /var/log/pacemaker/bundles/web-1:/var/log"
        " -p 10.0.1.1:80:8080 -p 10.0.1.1:4000:4000 --init"
        "  --add-host=web-0:10.0.0.254 --add-host=web-1:10.0.1.1"
    )
    assert found["mount_points"] == "/r/web-1,/var/log/pacemaker/bundles/web-1"
    assert found["run_cmd"] == "/usr/sbin/pacemaker-remoted"
    assert found["image"] == "httpd"


def test_container_without_content() -> None:
    """Nothing is mounted, opened or run that only a resource inside would need (features 11.6)."""
    podman = Element("podman", {"image": "x", "network": "host"})
    found = _container(_bundle(podman))
    assert found["run_opts"] == " -e PCMK_stderr=1 --net=host -e PCMK_remote_port=3121 "
    assert found["mount_points"] == ""
    assert "run_cmd" not in found


@pytest.mark.parametrize(
    ("address", "following"),
    [
        ("10.0.0.1", "10.0.0.2"),
        ("10.0.0.254", "10.0.1.1"),
        ("10.0.254.9", None),
        ("fd00::1", None),
    ],
)
def test_next_address(address: str, following: str | None) -> None:
    """Addresses follow each other within the IPv4 range (features 11.9, 11.20)."""
    assert next_address(address) == following


def test_unusable_bundles_are_reported() -> None:
    """The report names the bundle and says what it needs (features 11.1, 11.10)."""
    reports: list[str] = []
    assert describe(_bundle(Element("rkt", {"image": "x"})), reports) is None
    assert describe(_bundle(Element("docker", {"image": "x"}), _HTTPD), reports) is None
    assert len(reports) == 2
    assert "docker, podman" in reports[0]
    assert "ip-range-start or control-port" in reports[1]


def test_too_few_addresses_are_reported() -> None:
    """A range that ends too early is said, with how far it goes (features 11.20)."""
    reports: list[str] = []
    network = Element("network", {"ip-range-start": "10.0.253.254"})
    described = describe(_bundle(Element("docker", {"replicas": "3"}), network), reports)
    assert described is not None
    assert addresses_of(described, 3, reports) == ("10.0.253.254", "10.0.254.1", None)
    assert "only 2 addresses" in reports[0]
    assert " --add-host=web-2" not in host_options(described, ("a", "b", None))


def test_replicas_of_one_host_need_addresses() -> None:
    """With a control port only, there is one replica a host (features 11.4)."""
    reports: list[str] = []
    docker = Element("docker", {"replicas-per-host": "2", "promoted-max": "2"})
    network = Element("network", {"control-port": "3121"})
    described = describe(_bundle(docker, network, _HTTPD), reports)
    assert described is not None
    assert described.replicas_per_host == 1
    assert described.replicas == 2
    assert "replicas-per-host=1" in reports[0]
