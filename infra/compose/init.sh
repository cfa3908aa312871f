#!/bin/sh
# Once, before Airflow's parts start: its database, its pools, and who may log in.
set -eu
umask 077
printf '{"admin": "%s"}\n' "$AIRFLOW_PASSWORD" >"$AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
airflow db migrate
airflow pools import "$BARLAKE_HOME/dags/pools.json"
