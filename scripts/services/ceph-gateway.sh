#!/bin/sh
# One S3 server in one process group: Ceph's object gateway, with a monitor and a store that keeps all in memory, so that
# every start is from nothing.
#   ceph-gateway.sh FOLDER MONITOR_PORT STORE_PORT GATEWAY_PORT ACCESS_KEY SECRET_KEY
# The store takes four ports from STORE_PORT on.
set -eu
cd "$1"
rm -rf run && mkdir -p run/mon run/osd run/gateway && cd run
here=$(pwd)
fsid=$(cat /proc/sys/kernel/random/uuid)
store=$(cat /proc/sys/kernel/random/uuid)
cat >ceph.conf <<END
[global]
fsid = $fsid
mon host = [v1:127.0.0.1:$2]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
ms bind port min = $3
ms bind port max = $(($3 + 3))
keyring = $here/keyring
run dir = $here
admin socket =
log file = $here/\$name.log
pid file = $here/\$name.pid
mon data = $here/mon
mon data avail warn = 0
mon data avail crit = 0
mon allow pool size one = true
osd data = $here/osd
osd objectstore = memstore
memstore device bytes = 2147483648
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
rgw data = $here/gateway
rgw frontends = beast endpoint=127.0.0.1:$4
END
ceph() { command ceph -c ceph.conf --connect-timeout 60 "$@"; }

for who in 'mon. mon=allow_*' 'client.admin mon=allow_* osd=allow_*' 'osd.0 mon=allow_profile_osd osd=allow_*' \
  'client.gateway mon=allow_rw osd=allow_rwx'; do
  # shellcheck disable=SC2086 # words are meant
  set -- "$1" "$2" "$3" "$4" "$5" "$6" $who
  name=$7
  shift 7
  caps=''
  true
done
