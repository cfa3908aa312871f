# `make demo` and `make test` do all the set-up; `make help` lists the rest.

# Another Spark, or another environment, on this machine is not ours.
unexport SPARK_HOME SPARK_CONF_DIR PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX

.PHONY: help demo stream-demo test drills check docs cloud bucket kafka store stack stack-down env shots notebooks bench doctor needs lock clean

help:  ## say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.spark  ## set up, then run the whole lake on local disk, with a simulated exchange
	@.venv/bin/python infra/jars.py core
	@.venv/bin/barlake demo

stream-demo: .venv/.dev  ## show the stream: a session at 60x through Kafka onto a live page, until Ctrl-C
	@.venv/bin/python infra/jars.py core kafka broker
	@.venv/bin/python infra/stream_demo.py lake/stream-demo

test: check cloud  ## set up, check, and run the tests
	@.venv/bin/python infra/jars.py core kafka s3 broker
	@.venv/bin/python infra/logstore.py
	@.venv/bin/python infra/minio.py
	@.venv/bin/python infra/compose_check.py --build
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not drill"

drills: check cloud .venv-airflow/.airflow  ## run the long tests: stores that fail, runs killed at more points, thirty nights
	@.venv/bin/python infra/jars.py core kafka s3 broker
	@.venv/bin/python infra/logstore.py
	@.venv/bin/python infra/minio.py
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m drill

check: .venv/.dev .venv-airflow/.airflow  ## lint, types, layers, and that the generated docs are current
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	MYPYPATH=dags:dags/plugins .venv/bin/mypy --cache-dir .mypy_cache/airflow \
	    --python-executable .venv-airflow/bin/python dags tests/airflow/inside/*.py
	.venv/bin/lint-imports
	.venv/bin/python -m barlake.model.dictionary --check docs/tables.md
	.venv/bin/python infra/catalog.py --check

docs: .venv/.spark  ## write docs/tables.md, and the tables of AWS' catalog, from the model
	.venv/bin/python -m barlake.model.dictionary docs/tables.md
	.venv/bin/python infra/catalog.py

cloud: .venv-cloud/.emulator  ## set up the emulator of AWS that tries infra/modules; Terraform is yours to install

bucket: .venv/.spark  ## fetch what a lake in a bucket needs besides: 645 MB
	@.venv/bin/python infra/jars.py core s3
	@.venv/bin/python infra/logstore.py

kafka: .venv/.spark  ## fetch what the stream needs besides: 10 MB
	@.venv/bin/python infra/jars.py core kafka

store: .venv/.dev  ## run an object store for a lake in a bucket, until Ctrl-C
	@.venv/bin/python infra/jars.py core s3
	@.venv/bin/python infra/logstore.py
	@.venv/bin/python infra/minio.py
	@.venv/bin/python infra/objectstore.py lake/store

stack: .venv/.dev .venv-airflow/.airflow  ## run it all in the background: an object store, Airflow, a lake in a bucket
	@.venv/bin/python infra/jars.py core kafka s3 broker
	@.venv/bin/python infra/logstore.py
	@.venv/bin/python infra/minio.py
	@.venv/bin/python infra/stack.py up lake/stack

stack-down: .venv/.dev  ## end what `make stack` started; what it holds stays
	@.venv/bin/python infra/stack.py down lake/stack

env:  ## write .env with new secrets, unless it is there: for docker-compose.yml
	@"$$(infra/python.sh)" infra/env.py

shots: .venv/.dev  ## draw the README's pictures anew, with Chromium
	@.venv/bin/python infra/jars.py core
	BARLAKE_SHOTS=docs/img .venv/bin/python -m pytest tests/pages tests/live -k readme

notebooks: .venv/.dev  ## make a kernel for the notebooks, and say how to open them; opens nothing
	@echo "Open notebooks/ in a Jupyter or an editor of your own, with the kernel of $(CURDIR)/.venv/bin/python"
	@echo "  (for Jupyter: .venv/bin/python -m ipykernel install --user --name barlake)."
	@echo "They look at the lake that 'make demo' makes; set BARLAKE_LAKE__ROOT for another one."

bench: .venv/.dev  ## measure
	@.venv/bin/python infra/jars.py core s3
	@.venv/bin/python infra/logstore.py
	@.venv/bin/python infra/minio.py
	.venv/bin/python -m benchmarks.night
	.venv/bin/python -m benchmarks.bucket
	.venv/bin/python -m benchmarks.gate
	.venv/bin/python -m benchmarks.fetch

doctor:  ## each need of this machine: found or not, and what to do
	@python=$$(ls .venv/bin/python 2>/dev/null || infra/python.sh) && "$$python" -I lib/barlake/doctor.py

lock:  ## compile requirements/*.in into *.txt, with hashes
	@for set in tools spark dev airflow emulator; do infra/uv.sh pip compile --quiet --universal --generate-hashes \
	    --no-annotate --python-version 3.11 requirements/$$set.in -o requirements/$$set.txt || exit 1; done

clean:  ## remove the environment and what tools left in the tree; the lake stays
	rm -rf .venv .venv-airflow .venv-cloud jars lib/*.egg-info spark-warehouse .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find jobs lib infra dags tests -name __pycache__ -prune -exec rm -rf {} +

# At once, before anything slow, and at every run: Java may have gone since.
needs:
	@python=$$(infra/python.sh) && "$$python" -I lib/barlake/doctor.py --start

.venv/.spark .venv/.dev: .venv/.%: requirements/%.txt requirements/tools.txt pyproject.toml infra/setup.sh | needs
	@infra/setup.sh $*

# What emulates AWS is a server of its own: nothing of the lake imports it.
.venv-cloud/.emulator: requirements/emulator.txt requirements/tools.txt infra/setup.sh | needs
	@infra/setup.sh emulator

# Airflow shares no environment with Spark: it brings a client that would overwrite pyspark.
.venv-airflow/.airflow: requirements/airflow.txt requirements/tools.txt infra/setup.sh | needs
	@infra/setup.sh airflow
