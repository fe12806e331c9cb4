#!/bin/sh
# Starts PostgreSQL, Redis and RabbitMQ on 127.0.0.1 where nothing answers yet; installs them from Debian's packages if
# root, and what only `make bench` uses: PostGIS (to be compared with) and wrk (which makes the load).
set -eu

answers() { # port
    python3 - "$1" <<'PY'
import socket, sys
with socket.socket() as s:
    s.settimeout(1)
    sys.exit(s.connect_ex(("127.0.0.1", int(sys.argv[1]))) != 0)
PY
}

wait_for() { # port name
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        if answers "$1"; then echo "$2 answers on port $1."; return 0; fi
        sleep 1
    done
    echo "$2 does not answer on port $1." >&2
    return 1
}

install_package() { # package
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "$1 is missing and can only be installed here by root on Debian." >&2
        return 1
    fi
    apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y "$1" >/dev/null
}

install_command() { # command package
    command -v "$1" >/dev/null 2>&1 || install_package "$2"
}

if ! answers 5432; then
    install_command pg_ctlcluster postgresql
    pg_ctlcluster --skip-systemctl-redirect "$(ls /etc/postgresql | tail -n 1)" main start || true
fi
wait_for 5432 PostgreSQL
if ! answers 6379; then
    install_command redis-server redis-server
    redis-server --daemonize yes --bind 127.0.0.1 --port 6379 --save "" --appendonly no >/dev/null
fi
wait_for 6379 Redis
if ! answers 5672; then
    install_command rabbitmq-server rabbitmq-server
    # Where there is an init system the package has started it already, and this second one ends by itself.
    answers 5672 || RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODENAME=rabbit@localhost \
        rabbitmq-server -detached >/dev/null 2>&1
fi
wait_for 5672 RabbitMQ

# A role of this user's name that may make databases, for the tests.
user=$(id -un)
if ! psql -h 127.0.0.1 -U "$user" -d postgres -Atc 'select 1' >/dev/null 2>&1; then
    su postgres -c "createuser --createdb $user" >/dev/null 2>&1 || true
    sed -i 's/^\(host .*127\.0\.0\.1\/32 *\).*/\1trust/' /etc/postgresql/*/main/pg_hba.conf 2>/dev/null || true
    su postgres -c "psql -qc 'select pg_reload_conf()'" >/dev/null 2>&1 || true
fi

# Without these two everything works: the bench says "absent", or makes the load by itself.
cluster=$(ls /etc/postgresql 2>/dev/null | tail -n 1)
if [ -n "$cluster" ] && [ ! -e "/usr/share/postgresql/$cluster/extension/postgis.control" ]; then
    install_package "postgresql-$cluster-postgis-3" || echo "The bench goes without PostGIS."
fi
install_command wrk wrk || echo "The bench goes without wrk."
