#!/bin/sh
# Starts three nodes on this machine: a store of scores, and two games that write to it and ask each
# other. Ends when the games have ended. Usage: examples/cluster/run.sh [path of ironsky]
#
# PORT (7100) is the first of three ports. CONFIG is another config than config.lua, such as secure.lua:
#
#     export CERTIFICATES=./certificates
#     examples/cluster/certificates.sh "$CERTIFICATES" store red blue
#     CONFIG=examples/cluster/secure.lua examples/cluster/run.sh

set -e
ironsky="${1:-target/release/ironsky}"
config="${CONFIG:-$(dirname "$0")/config.lua}"
if [ ! -x "$ironsky" ]; then
	echo "$ironsky is not there: cargo build --release, or give its path" >&2
	exit 1
fi
PORT="${PORT:-7100}"
export PORT
for node in store red blue; do
	NODE="$node" "$ironsky" "$config" &
done
wait
