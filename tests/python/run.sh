#!/bin/sh
# The Python package as a user installs it: a virtual environment in the build folder, `pip install .`, then types,
# examples in docstrings, the README's lines, and pytest.
#   run.sh BUILD PYTHON [pytest options]
# Where the packages that the tests use cannot be fetched, the answer is 77, which ctest calls skipped.
set -eu
build=$1 python=$2
shift 2
cd "$(dirname "$0")/../.."
venv=$build/python-venv
export PIP_DISABLE_PIP_VERSION_CHECK=1

[ -x "$venv/bin/pip" ] || "$python" -m venv "$venv" || { echo "no virtual environment: python3-venv is missing"; exit 77; }
if ! "$venv/bin/pip" install -q -r tests/python/requirements.txt >"$build/python-pip.log" 2>&1; then
    tail -n 3 "$build/python-pip.log"
    echo "pip could not fetch what the Python tests use"
    exit 77
fi
# The build of the wheel is kept, so that the second time compiles what has changed.
"$venv/bin/pip" install -q --no-build-isolation --no-deps --force-reinstall \
    "--config-settings=build-dir=$build/python-wheel" .

export AGOP_PROGRAM="$build/agop" SCIPY_ARRAY_API=1
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}" OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}" # others run beside
unset AGOP_LIBRARY PYTHONPATH
"$venv/bin/python" -m mypy
"$venv/bin/python" -m pytest --doctest-modules --pyargs agop -k "not programs"
"$venv/bin/python" -m pytest tests/python "$@"

# Programs need igraph, which wheels are without: they are tested with the build's library where that has it.
if "$AGOP_PROGRAM" version --build | grep -q "^igraph: none"; then
    echo "built without igraph: no programs"
else
    export AGOP_LIBRARY="$build/libagop.so"
    "$venv/bin/python" -m pytest --doctest-modules --pyargs agop -k programs
    "$venv/bin/python" -m pytest tests/python/test_programs.py
fi
