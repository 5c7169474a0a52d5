#!/usr/bin/env bash
# Prints an .env for docker compose with a random password in each empty place of .env.example.
#   deploy/env.sh > .env
set -euo pipefail
cd "$(dirname "$0")/.."

while IFS= read -r line; do
    if [[ $line =~ ^[A-Z_]+_PASSWORD=$ ]]; then
        line+=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    fi
    printf '%s\n' "$line"
done < .env.example
