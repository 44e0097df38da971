"""What runs on the test hosts: Debian's agents and services, recorded, and how to ask them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.hosts.fleet import Fleet, Host
from tests.hosts.network import run

AGENTS = ("Dummy", "IPaddr2", "nginx", "apache", "mysql", "Stateful")
SERVICE_ADDRESS = "10.77.0.100"
SINGLES = ("dummy", "address", "nginx", "apache", "database")
CLONES = frozenset({"everywhere", "stateful"})
CONFIGURATION = f"""
primitive switch stonith:fence_host params ip=10.77.0.254 \\
    op monitor interval=60s timeout=20s
primitive dummy ocf:heartbeat:Dummy op monitor interval=2s timeout=20s
primitive address ocf:heartbeat:IPaddr2 params ip={SERVICE_ADDRESS} cidr_netmask=24 \\
    op monitor interval=2s timeout=20s
primitive nginx ocf:heartbeat:nginx \\
    params configfile=/srv/shared/nginx.conf httpd=/usr/sbin/nginx \\
    op start timeout=40s interval=0 op stop timeout=60s interval=0 \\
    op monitor interval=5s timeout=30s
primitive apache ocf:heartbeat:apache \\
    params configfile=/srv/shared/apache.conf httpd=/usr/sbin/apache2 \\
    statusurl=http://localhost:8080/server-status \\
    op start timeout=40s interval=0 op stop timeout=60s interval=0 \\
    op monitor interval=5s timeout=20s
group web address nginx apache
primitive database ocf:heartbeat:mysql params datadir=/srv/shared/database \\
    pid=/run/mysqld/mysqld.pid socket=/run/mysqld/mysqld.sock log=/var/log/mysqld.log \\
    op start timeout=120s interval=0 op stop timeout=120s interval=0 \\
    op monitor interval=10s timeout=30s
primitive everywhere ocf:heartbeat:Dummy op monitor interval=5s timeout=20s
clone everywhere-clone everywhere
primitive stateful ocf:heartbeat:Stateful \\
    op monitor interval=10s timeout=20s op monitor interval=11s role=Promoted timeout=20s
clone stateful-clone stateful meta promotable=true
property fencing-enabled=true no-quorum-policy=stop
rsc_defaults resource-stickiness=100
"""
_NGINX = """
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx-error.log;
events {}
http { access_log off; server { listen 80; location / { return 200 "$hostname\\n"; } } }
"""
_APACHE = """
ServerName localhost
ServerRoot /etc/apache2
PidFile /run/apache2.pid
ErrorLog /var/log/apache2/error.log
User www-data
Group www-data
Listen 8080
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule status_module /usr/lib/apache2/modules/mod_status.so
DocumentRoot /var/www/html
<Location /server-status>
SetHandler server-status
</Location>
"""


def prepare(fleet: Fleet) -> None:
    """Write the services' settings, an empty database, and a recorder in each agent's place."""
    (fleet.shared / "nginx.conf").write_text(_NGINX)
    (fleet.shared / "apache.conf").write_text(_APACHE)
    database = fleet.shared / "database"
    database.mkdir()
    shutil.chown(database, "mysql", "mysql")
    run(
        "mysql_install_db", "--user=mysql", f"--datadir={database}", "--skip-test-db",
        "--auth-root-authentication-method=socket",
    )  # fmt: skip
    for host in fleet:
        record(host, AGENTS)


def record(host: Host, agents: tuple[str, ...]) -> None:
    """Put the recorder in the place of these agents of the distribution."""
    ocf = Path("/usr/lib/ocf")
    for name, folder in (("recorder", "resource.d/heartbeat"), ("", "recorded")):
        there = host.directory / "upper" / "usr" / "lib" / "ocf" / folder
        there.mkdir(parents=True, exist_ok=True)
        for agent in agents:
            source = ocf / "resource.d" / "heartbeat" / agent
            shutil.copy2(Path(__file__).with_name(name) if name else source, there / agent)


def answer(fleet: Fleet, port: int) -> str:
    """Return what the service address answers to a browser beside the hosts; "" for nothing."""
    url = f"http://{SERVICE_ADDRESS}:{port}/" + ("server-status" if port == 8080 else "")
    done = subprocess.run(
        [*fleet.network.inside(), "curl", "-s", "-m", "1", url],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip()


def query(host: Host, sql: str) -> str:
    """Ask the database on its host."""
    return host.exec("mysql", "-N", "-B", "-S", "/run/mysqld/mysqld.sock", "-e", sql).stdout.strip()
