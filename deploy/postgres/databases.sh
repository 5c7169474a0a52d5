#!/usr/bin/env bash
# A database and a role for each service, so that none can read another's. Makes what is missing and sets the passwords;
# run it as often as you like. The server and the superuser come from PGHOST, PGUSER, PGPASSWORD; the services'
# passwords from PACKHORSE_ORDER_PASSWORD and so on.
set -euo pipefail

for service in order payment inventory shipping notification; do
    variable="PACKHORSE_${service^^}_PASSWORD"
    if [ -z "${!variable:-}" ]; then
        echo "$variable is not set: make .env, or see .env.example" >&2
        exit 1
    fi
    # By way of the environment, for arguments are seen by every process.
    PASSWORD="${!variable}" psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set name="packhorse_$service" postgres <<'SQL'
\getenv password PASSWORD
SELECT format('CREATE ROLE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" LOGIN PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
