#!/bin/sh
# Run once by the image of PostgreSQL, when its folder is empty: a role that owns its database and is no superuser, or
# the policies that stand behind the tenants would not hold it.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$(cat /run/secrets/database-password)" -U postgres -d postgres <<'SQL'
CREATE ROLE portcullis LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE portcullis OWNER portcullis;
SQL
