#!/bin/sh
# Install what is missing: setup.sh build | demo | test | bench. Says nothing and takes no time when everything is there.
#
# On Debian and its relatives missing packages are installed with apt (by sudo unless root). Elsewhere they are
# listed, and the exit status is 1.
set -eu

build="gcc libc6-dev make cmake ninja-build pkg-config git libopenblas-openmp-dev libjansson-dev zlib1g-dev libzstd-dev libhdf5-dev libigraph-dev"
demo="librsvg2-bin fonts-dejavu-core"
bench="python3 python3-numpy python3-scipy python3-venv"
test="g++ libcmocka-dev valgrind cppcheck scdoc zstd python3 python3-numpy python3-pandas python3-scipy python3-venv"

case ${1:-build} in
build) wanted=$build ;;
demo) wanted="$build $demo" ;;
test) wanted="$build $demo $test" ;;
bench) wanted="$build $bench" ;;
*) echo "usage: setup.sh build | demo | test | bench" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    # Another system: be content when the tools and libraries can be found, whoever put them there.
    if [ "${1:-build}" = build ] && command -v cmake >/dev/null && command -v ninja >/dev/null &&
        pkg-config --exists jansson libzstd zlib 2>/dev/null; then
        exit 0
    fi
    echo "This is not a Debian system. Please install what these Debian packages hold:" >&2
    echo "    $wanted" >&2
    exit 1
fi

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
offered() { [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]; }

missing=
for package in $wanted; do
    installed "$package" || missing="$missing $package"
done

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"; }
updated=
update() { [ -n "$updated" ] || { apt update -qq; updated=1; }; }

# oneDNN is loaded when it is there, and its tests are skipped when it is not: so it never is an error. Debian 12's name,
# then those of later ones.
if [ "${1:-build}" = test ] && ! ls /usr/lib/*/libdnnl.so.[23] >/dev/null 2>&1; then
    update
    for package in libdnnl2 libdnnl3 libdnnl3.6 libdnnl-dev; do
        if offered $package; then
            missing="$missing $package"
            break
        fi
    done
fi

# The clang family by the newest number that the distribution offers; 14 is Debian 12's.
if [ "${1:-build}" = test ] && ! { [ -x /usr/bin/clang-14 ] && [ -x /usr/bin/clang-tidy-14 ] && [ -x /usr/bin/clang-format-14 ] &&
    installed libclang-rt-14-dev; }; then
    update
    for version in 14 18 19 20 17 16 15; do
        if offered clang-tidy-$version && offered libclang-rt-$version-dev; then
            for package in clang-$version libclang-rt-$version-dev clang-tidy-$version clang-format-$version; do
                installed "$package" || missing="$missing $package"
            done
            break
        fi
    done
fi

# The distribution's PyTorch for the CPU (134 MB with all that it needs), where it has one that is known by now: its tests
# are skipped when it is not there.
if [ "${1:-build}" = test ]; then
    for package in python3-torch python3-pytest; do
        if ! installed $package && offered $package; then
            missing="$missing $package"
        fi
    done
fi

[ -n "$missing" ] || exit 0
if [ -n "$as_root" ] && ! command -v sudo >/dev/null; then
    echo "Please install, as root:" >&2
    echo "    apt-get install$missing" >&2
    exit 1
fi
echo "Installing:$missing"
update
# shellcheck disable=SC2086
apt install -y -qq --no-install-recommends $missing >/dev/null || {
    echo "Could not install all of:$missing" >&2
    exit 1
}
