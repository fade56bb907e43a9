#!/bin/bash
# Runs once, on an empty data volume: two roles with a password each, so that neither program can read the other's records.
set -euo pipefail

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
	-v smid_password="$SMID_DB_PASSWORD" -v temporal_password="$TEMPORAL_DB_PASSWORD" <<'SQL'
CREATE ROLE smid LOGIN PASSWORD :'smid_password';
CREATE DATABASE smid OWNER smid;
REVOKE CONNECT ON DATABASE smid FROM PUBLIC;
-- Temporal's setup makes its own two databases.
CREATE ROLE temporal LOGIN CREATEDB PASSWORD :'temporal_password';
SQL
