# Sourced by bin/up and bin/test: finds a Python that can make virtual environments.
# Leaves its name in $python, or says what is missing and exits.

newest_seen=""
without_venv=""
python=""
for candidate in python3.13 python3.12 python3.11 python3; do
    # A name may be there and still not run (a shim of a version manager).
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    newest_seen=${newest_seen:-$version}
    minor=${version#3.}
    [ "${version%%.*}" = 3 ] && [ "$minor" -ge 11 ] || continue
    if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
        python=$candidate
        break
    fi
    without_venv=${without_venv:-$version}
done

if [ -z "$python" ]; then
    if [ -n "$without_venv" ]; then
        echo "Python $without_venv is here, but cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv (or python$without_venv-venv)." >&2
    else
        echo "Portcullis needs Python 3.11 or later${newest_seen:+; found only $newest_seen}. On Debian or Ubuntu: apt-get install python3 python3-venv." >&2
    fi
    exit 1
fi
