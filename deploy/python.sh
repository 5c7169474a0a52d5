#!/usr/bin/env bash
# Prints the interpreter to run on: 3.11 to 3.14, one that was built with optimisation before one that wasn't (which
# costs a quarter more CPU, and is what pyenv and many hand-made builds are), and of those the newest. A distribution's
# own always is; any other says so in how it was configured. With `all`: the best of each version that there is.
set -euo pipefail

found=()
for minor in 11 12 13 14; do
    best='' best_rank=-1
    while read -r path; do
        rank=$("$path" - "$minor" <<'PYTHON' 2>/dev/null
import os, sys, sysconfig
if sys.version_info[:2] != (3, int(sys.argv[1])) or sys.prefix != sys.base_prefix:
    sys.exit(1)
configured = sysconfig.get_config_var("CONFIG_ARGS") or ""
optimised = "--enable-optimizations" in configured or os.path.realpath(sys.executable).startswith("/usr/bin/")
print(100 * optimised + int(sys.argv[1]))
PYTHON
        ) || continue
        if ((rank > best_rank)); then
            best=$path best_rank=$rank
        fi
    done < <(type -ap "python3.$minor")
    if [ -n "$best" ]; then
        found+=("$best_rank $best")
    fi
done
if [ "${#found[@]}" -eq 0 ]; then
    echo "no Python from 3.11 to 3.14 is on the path: install one, or name it (make PYTHON=…)" >&2
    exit 1
fi
if [ "${1:-}" = all ]; then
    printf '%s\n' "${found[@]#* }"
else
    printf '%s\n' "${found[@]}" | sort -n | tail -1 | cut -d ' ' -f 2-
fi
