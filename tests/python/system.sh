#!/bin/sh
# The tests of the Python package by the Python of the system, from the sources, over the build's library: with the
# PyTorch of the distribution (PyPI's takes gigabytes) and with older NumPy and pandas. Not those of estimators, which
# want scikit-learn as it is today.
#   system.sh BUILD PYTHON [pytest options]
# Where packages are missing the answer is 77, which ctest calls skipped.
set -eu
build=$1 python=$2
shift 2
cd "$(dirname "$0")/../.."
for package in numpy pandas pytest torch; do
    "$python" -c "import $package" 2>/dev/null ||
        { echo "$python has no $package: on Debian and Ubuntu apt-get install python3-$package"; exit 77; }
done

export PYTHONPATH="$PWD/python" PYTHONDONTWRITEBYTECODE=1 AGOP_LIBRARY="$build/libagop.so" AGOP_PROGRAM="$build/agop"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}" OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}" # others run beside
"$python" -m pytest tests/python --ignore=tests/python/test_estimators.py --ignore=tests/python/test_gallery.py "$@"
