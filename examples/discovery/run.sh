#!/bin/sh
# Starts three nodes on this machine that find each other. Usage:
# examples/discovery/run.sh [path of ironsky]
#
# Where names come from is said by SOURCE; without it, by a new file and examples/discovery/node_file.lua.
# With etcd: SOURCE=etcd:http://127.0.0.1:2379/ironsky/nodes examples/discovery/run.sh
# PORT (7110) is the first of three ports.

set -e
ironsky="${1:-target/release/ironsky}"
config="$(dirname "$0")/config.lua"
if [ ! -x "$ironsky" ]; then
	echo "$ironsky is not there: cargo build --release, or give its path" >&2
	exit 1
fi
if [ -z "$SOURCE" ]; then
	file="$(mktemp)"
	trap 'rm -f "$file"' EXIT
	SOURCE="node_file:$file"
fi
export SOURCE
port="${PORT:-7110}"
for node in red green blue; do
	NODE="$node" ADDRESS="127.0.0.1:$port" "$ironsky" "$config" &
	port=$((port + 1))
done
wait
