# Sourced by quickstart.sh, run_tests.sh and .ci/run, in the project's folder.

# Threads that wait for each other sleep instead of spinning (tools/_cli.py).
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"

# make_environment [EXTRA]: install the project into .venv.
#
# Makes .venv, with $PYTHON or python3, if there is none. EXTRA names further
# requirements, as in pyproject.toml. Installs again when requirements have
# changed: a file in .venv keeps those that were installed last, one for each
# EXTRA.
make_environment() {
    local extra=${1:-} installed=.venv/rcg-installed
    local required=(setup.py requirements/runtime.txt)
    if [ ! -x .venv/bin/python ]; then
        echo 'making .venv (once)'
        "${PYTHON:-python3}" -m venv .venv
    fi
    if [ -n "$extra" ]; then
        installed=.venv/rcg-installed-$extra
        required+=("requirements/$extra.txt")
    fi
    if cat "${required[@]}" | cmp -s - "$installed"; then return; fi
    echo 'installing rcg into .venv (once; PyTorch is several GB)'
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        -e ".${extra:+[$extra]}"
    cat setup.py requirements/runtime.txt > .venv/rcg-installed
    cat "${required[@]}" > "$installed"
}
