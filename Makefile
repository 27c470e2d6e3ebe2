# The commands of this project. Everything lands below this folder, in .venv* and .airflow*.
#
#   make demo    send faxes through a simulator, in real Airflow, and show what became of each
#   make test    run the whole suite (AIRFLOW=2.11.2 make test: on another Airflow;
#                PYTHON=python3.13 VENV=.venv-py3.13 make test: on another Python;
#                AIRFLOW=2.11.0 VENV=.venv-lowest LOCK=tests/locks/lowest.txt make test: on the lowest versions of
#                all that pyproject.toml names)
#   make up      the demo to click through: Airflow's web page with the example DAGs and the simulator
#   make lint    style and types
#   make ui-test     look at make up's pages in a headless Chromium (PICTURES=docs/images: draw the pictures of docs/)
#   make instruments-test  what Sentry and OpenTelemetry record of a fax, with both installed
#   make torture     kill task runs at every boundary and count the faxes (ROUNDS=2000 SEED=1)
#   make cluster-test    a whole Airflow cluster: two vendors' faxes, two kills, two outages, a judge (FAXES=500)
#   make chaos       what ends a wait: faults in real triggerers, beside two other providers' (WAITS=10)
#   make bench-import   what importing the operator costs, beside Airflow's HTTP sensor
#   make bench-upload   what memory an upload of 20 MB takes, and 64 of them at once
#   make bench-gates    what the rules on a connection cost a fax
#   make bench-dag       a fax's whole way through real Airflow, beside Airflow's HTTP operators (RUNS=5)
#   make bench-waiting  what it costs to wait for up to 10,000 faxes (20 minutes; BENCH_ARGS="--faxes 10 100 --base-speed 10")
#   make bench-burst    what it costs to retry 1,000 busy faxes of one account at once (BENCH_ARGS="--faxes 20")
#   make bench-bulk     what many faxes cost Airflow in one task, beside the same faxes mapped
#   make bench-alarm    what 500 tasks with a wrong password cost, and whether all are sent when it is mended
#   make bench-chaos    the same with 200 waits and more faults (45 minutes; BENCH_ARGS="--rows 500 password --waits 50")
#   make bench-plots    draw what bench-waiting has recorded, into docs/
#   make docs    write the generated parts of docs/ again
#   make locks   resolve the versions that the commands above install, anew
#   make clean   remove what the commands have made

PYTHON ?= python3
AIRFLOW ?= 3.3.2
LATEST := 3.3.2
OLDEST := 2.11.2
VENV := .venv$(if $(filter-out $(LATEST),$(AIRFLOW)),-$(AIRFLOW))
LOCK := tests/locks/airflow-$(AIRFLOW).txt
RUN := $(VENV)/bin/python
PYTEST_ARGS ?= -n auto --maxprocesses 4
ROUNDS ?= 200
BATCHES ?= 10
SEED ?= 1
ARENAS ?= 3
FAXES ?= 100
WAITS ?= 10
RUNS ?= 5
CLUSTER_ARGS ?=
BENCH_ARGS ?=
CLUSTER := .venv-cluster/bin/python
CLUSTER_LOCK := tests/locks/cluster-$(LATEST).txt
UI := .venv-ui/bin/python
UI_LOCK := tests/locks/ui.txt
INSTRUMENTS := .venv-instruments/bin/python
INSTRUMENTS_LOCK := tests/locks/instruments.txt
# The last release before 2.0, which Airflow 2.11 takes as well.
SENTRY_1 := sentry-sdk==1.45.1
PICTURES ?= .airflow-ui/pictures

# Importing Airflow takes 5 s without compiled bytecode and 2 s with it.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONWARNINGS ?= ignore

.PHONY: demo test ui-test instruments-test torture cluster-test chaos bench-chaos up lint format docs locks dag-run wheel-test bench-import bench-upload bench-gates \
	bench-waiting bench-burst bench-alarm bench-bulk bench-plots bench-dag clean venv
.DEFAULT_GOAL := test

venv: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; try PYTHON=python3.12 make ..."; exit 1; }
	@echo "Installing Airflow $(AIRFLOW) and the provider into $(VENV) (about half a minute) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check uv
	@$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(RUN) --requirement $(LOCK)
	@$(VENV)/bin/uv pip install --quiet --python $(RUN) --no-deps --editable .
	@touch $@

demo: $(VENV)/.installed
	@$(RUN) example_dags/demo/run.py

up: $(VENV)/.installed
	@$(RUN) example_dags/demo/up.py

test: $(VENV)/.installed
	@echo "Running the suite on Airflow $(AIRFLOW) ..."
	@$(RUN) -m pytest $(PYTEST_ARGS) --ignore tests/torture --ignore tests/ui --ignore tests/instruments

# What drives the browser needs no Airflow: the demo runs in the environment that users run it in.
.venv-ui/.installed: pyproject.toml $(UI_LOCK)
	@echo "Installing Playwright into .venv-ui (a few seconds; no browser is downloaded) ..."
	@$(PYTHON) -m venv --clear .venv-ui
	@$(UI) -m pip install --quiet --disable-pip-version-check uv
	@.venv-ui/bin/uv pip install --quiet --compile-bytecode --python $(UI) --requirement $(UI_LOCK)
	@touch $@

ui-test: $(VENV)/.installed .venv-ui/.installed
	@echo "Starting make up's Airflow and looking at its pages (four minutes) ..."
	@PICTURES=$(PICTURES) FAX_UI_PYTHON=$(RUN) $(UI) -m pytest tests/ui --confcutdir tests/ui
	@echo "The pictures are in $(PICTURES)."

# Sentry and OpenTelemetry before the environment of make test, so that its Airflow is not installed again.
.venv-instruments/.installed: $(VENV)/.installed $(INSTRUMENTS_LOCK)
	@echo "Installing Sentry and OpenTelemetry's instrumentations into .venv-instruments (a few seconds) ..."
	@$(RUN) -m venv --clear --without-pip .venv-instruments
	@$(VENV)/bin/uv pip install --quiet --python $(INSTRUMENTS) --requirement $(INSTRUMENTS_LOCK)
	@$(VENV)/bin/uv pip install --quiet --python $(INSTRUMENTS) --no-deps --target .venv-instruments/sentry-1 $(SENTRY_1)
	@$(RUN) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(INSTRUMENTS) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/airflow.pth"
	@touch $@

instruments-test: .venv-instruments/.installed
	@echo "Looking at what Sentry and OpenTelemetry record of a fax ..."
	@$(INSTRUMENTS) -m pytest tests/instruments
	@PYTHONPATH=.venv-instruments/sentry-1 $(INSTRUMENTS) -m pytest tests/instruments/test_sentry.py

# Real task runs, killed and cut off at every boundary; the simulator judges how many faxes were accepted.
torture: $(VENV)/.installed
	@echo "Running $(ROUNDS) rounds of torture on Airflow $(AIRFLOW) (one to two seconds each), and $(BATCHES) with a batch (ten seconds each) ..."
	@$(RUN) -m pytest tests/torture --rounds $(ROUNDS) --batches $(BATCHES) --seed $(SEED) --arenas $(ARENAS)

# Celery and PostgreSQL's drivers are the cluster's alone, so it has an environment of its own.
.venv-cluster/.installed: pyproject.toml $(CLUSTER_LOCK)
	@echo "Installing Airflow $(LATEST) with Celery and PostgreSQL's drivers into .venv-cluster (about half a minute) ..."
	@$(PYTHON) -m venv --clear .venv-cluster
	@$(CLUSTER) -m pip install --quiet --disable-pip-version-check uv
	@.venv-cluster/bin/uv pip install --quiet --compile-bytecode --python $(CLUSTER) --requirement $(CLUSTER_LOCK)
	@.venv-cluster/bin/uv pip install --quiet --python $(CLUSTER) --no-deps --editable .
	@touch $@

# PostgreSQL, Redis, CeleryExecutor, two workers, two triggerers; while the faxes are on their way a worker and a
# triggerer are killed, and PostgreSQL and the API server stand still for a while.
cluster-test: .venv-cluster/.installed
	@$(CLUSTER) tests/cluster/run.py --faxes $(FAXES) $(CLUSTER_ARGS)

.venv-cluster/.rivals: .venv-cluster/.installed
	@.venv-cluster/bin/uv pip install --quiet --compile-bytecode --python $(CLUSTER) --constraint $(CLUSTER_LOCK) \
		--group benchmarks
	@touch $@

# PostgreSQL, a triggerer for each provider, and what goes wrong: all that can go wrong side by side, and a kill.
chaos: .venv-cluster/.rivals
	@$(CLUSTER) benchmarks/chaos/run.py --few --waits $(WAITS) --at-once 100

lint: $(VENV)/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: $(VENV)/.installed
	$(VENV)/bin/ruff check --fix --quiet .
	$(VENV)/bin/ruff format --quiet .

docs: $(VENV)/.installed
	@$(RUN) docs/generate.py

# One whole DAG, from send to branch, on a release between the oldest and the newest.
dag-run: $(VENV)/.installed
	@echo "Running one whole DAG on Airflow $(AIRFLOW) ..."
	@$(RUN) -m pytest tests/test_whole_dag.py

bench-import: $(VENV)/.installed
	@$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(RUN) --constraint $(LOCK) --group benchmarks
	@$(RUN) benchmarks/import_cost.py

bench-upload: $(VENV)/.installed
	@$(RUN) -W ignore benchmarks/upload_memory.py

bench-gates: $(VENV)/.installed
	@$(RUN) -W ignore benchmarks/gates.py

# A real Airflow on loopback, below .airflow-bench; twelve minutes.
bench-dag: $(VENV)/.installed
	@$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(RUN) --constraint $(LOCK) --group benchmarks
	@$(RUN) benchmarks/whole_dag/run.py --runs $(RUNS)

# One trigger for each fax, the HTTP provider's and dbt Cloud's, beside ours. It is a measurement: nothing else must run.
bench-waiting: $(VENV)/.installed
	@$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(RUN) --constraint $(LOCK) --group benchmarks
	@$(RUN) benchmarks/waiting/run.py $(BENCH_ARGS)

# Every fault in turn. It is a measurement: nothing else must run.
bench-chaos: .venv-cluster/.rivals
	@$(CLUSTER) benchmarks/chaos/run.py $(BENCH_ARGS)

# With a journal and without one: on the newest Airflow and on the oldest.
bench-burst: $(VENV)/.installed
	@$(RUN) -W ignore benchmarks/burst/run.py $(BENCH_ARGS)
	@$(if $(filter $(LATEST),$(AIRFLOW)),$(MAKE) --no-print-directory bench-burst AIRFLOW=$(OLDEST),:)

bench-alarm: $(VENV)/.installed
	@$(RUN) -W ignore benchmarks/alarm/run.py $(BENCH_ARGS)

bench-bulk: $(VENV)/.installed
	@$(RUN) -W ignore benchmarks/bulk/run.py $(BENCH_ARGS)

bench-plots: $(VENV)/.installed
	@$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(RUN) --constraint $(LOCK) --group benchmarks
	@$(RUN) benchmarks/waiting/plots.py

# What a user installs: the built wheel, in an environment that holds nothing else.
wheel-test: $(VENV)/.installed
	@$(RUN) tests/wheel/check.py $(LOCK)

# Airflow's own constraint files are one way to old releases that work; resolving as of a date is another.
COMMON_COMPAT := --exclude-newer-package apache-airflow-providers-common-compat=2026-11-10 \
	--exclude-newer-package asgiref=2026-11-10
RESOLVE = @echo "apache-airflow==$(1)" > .venv/pin.txt && .venv/bin/uv pip compile --quiet pyproject.toml \
	--extra simulator --group dev --constraint .venv/pin.txt --universal --python-version 3.11 --no-annotate \
	--no-header --no-emit-index-url --upgrade $(2) --output-file tests/locks/airflow-$(1).txt

# The lowest that each line of pyproject.toml allows. Airflow 2.11.0 itself does not bound universal-pathlib, whose 0.3
# it cannot use; its own constraint file does, and 2.11.2.
LOWEST = @printf 'apache-airflow<3\nuniversal-pathlib<0.3\n' > .venv/pin.txt && .venv/bin/uv pip compile --quiet \
	pyproject.toml --resolution lowest-direct --extra simulator --group dev --constraint .venv/pin.txt --universal \
	--python-version 3.11 --no-annotate --no-header --no-emit-index-url --upgrade --output-file tests/locks/lowest.txt

locks: .venv/.installed
	$(call RESOLVE,3.3.2,)
	$(call RESOLVE,3.2.2,--exclude-newer 2026-06-10 $(COMMON_COMPAT))
	$(call RESOLVE,3.1.8,)
	$(call RESOLVE,3.0.6,--exclude-newer 2025-09-15 $(COMMON_COMPAT))
	$(call RESOLVE,2.11.2,)
	$(LOWEST)
	@.venv/bin/uv pip compile --quiet pyproject.toml --extra simulator --group cluster \
		--constraint tests/locks/airflow-$(LATEST).txt --universal --python-version 3.11 --no-annotate \
		--no-header --no-emit-index-url --upgrade --output-file $(CLUSTER_LOCK)
	@.venv/bin/uv pip compile --quiet --group ui --universal --python-version 3.11 --no-annotate \
		--no-header --no-emit-index-url --upgrade --output-file $(UI_LOCK)
	@.venv/bin/uv pip compile --quiet --group instruments --universal --python-version 3.11 --no-annotate \
		--no-header --no-emit-index-url --upgrade --output-file $(INSTRUMENTS_LOCK)

clean:
	rm -rf .venv .venv-* .airflow .airflow-* dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
