#!/bin/sh
# Makes ready what docker-compose.yml's servers cannot make for themselves: owners of new volumes, and etcd's certificates. Run as root, once more
# at every start, when it changes nothing. usage: compose-volumes.sh <folder of certificates> <owner> <folder>...
set -eu
certificates=$1
owner=$2
shift 2
chown "$owner" "$@"

cd "$certificates"
if [ -f complete ]; then exit 0; fi
rm -f ./*
umask 077

certify() {
  name=$1
  shift
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -sha256 \
    -subj "/CN=$name" -keyout "$name.key" -out "$name.crt" "$@" 2> "$name.log" || { cat "$name.log" >&2; exit 1; }
  rm "$name.log"
}

signed='-CA ca.crt -CAkey ca.key -addext basicConstraints=critical,CA:FALSE'
certify ca -addext basicConstraints=critical,CA:TRUE
for member in etcd-1 etcd-2 etcd-3; do
  # shellcheck disable=SC2086
  certify "$member" $signed -addext extendedKeyUsage=serverAuth,clientAuth -addext "subjectAltName=DNS:$member,DNS:localhost,IP:127.0.0.1"
done
# shellcheck disable=SC2086
certify client $signed -addext extendedKeyUsage=clientAuth
chmod 0444 ./*.crt
# The authority's key stays root's.
chown "$owner" etcd-*.key client.key
: > complete
