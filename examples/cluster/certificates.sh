#!/bin/sh
# Makes what TLS between nodes needs, with openssl: an authority of the cluster's own, and a
# certificate for each node, which bears its name. Usage:
#
#     examples/cluster/certificates.sh FOLDER NODE...
#
# The folder gets ca.pem, and NODE.pem with NODE-key.pem for each node. ca-key.pem makes more
# certificates later: who has it can make nodes, so it stays off their machines.

set -e
if [ $# -lt 2 ]; then
	echo "usage: $0 FOLDER NODE..." >&2
	exit 2
fi
folder="$1"
shift
mkdir -p "$folder"
cd "$folder"
umask 077
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
if [ ! -e ca-key.pem ]; then
	openssl req -x509 $key -days 3650 -subj "/CN=cluster" -keyout ca-key.pem -out ca.pem
fi
for node in "$@"; do
	openssl req $key -subj "/CN=$node" -keyout "$node-key.pem" -out "$node.csr"
	printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$node" >"$node.ext"
	openssl x509 -req -in "$node.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 825 \
		-extfile "$node.ext" -out "$node.pem"
	rm "$node.csr" "$node.ext"
done
