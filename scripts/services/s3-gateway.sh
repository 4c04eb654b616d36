#!/bin/sh
# One S3 server as one process group: Ceph's object gateway with a monitor and a store that keeps all in memory. Every
# start is from nothing.
#   s3-gateway.sh FOLDER ACCESS_KEY SECRET_KEY MONITOR_PORT GATEWAY_PORT
set -eu
cd "$1"
rm -rf run
mkdir -p run/mon run/osd run/gateway
cd run
access=$2 secret=$3 monitor=$4 gateway=$5
fsid=$(cat /proc/sys/kernel/random/uuid)
store=$(cat /proc/sys/kernel/random/uuid)
cat >ceph.conf <<END
[global]
fsid = $fsid
mon host = [v1:127.0.0.1:$monitor]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
keyring = $PWD/keyring
run dir = $PWD
admin socket =
log file = $PWD/\$name.log
pid file = $PWD/\$name.pid
mon data = $PWD/mon
mon data avail warn = 0
mon data avail crit = 0
mon allow pool size one = true
osd data = $PWD/osd
osd objectstore = memstore
memstore device bytes = 2147483648
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
rgw data = $PWD/gateway
rgw frontends = beast endpoint=127.0.0.1:$gateway
END
key() { ceph-authtool keyring --gen-key -n "$@"; }
ceph-authtool -C keyring
key mon. --cap mon 'allow *'
key client.admin --cap mon 'allow *' --cap osd 'allow *'
key osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
key client.gateway --cap mon 'allow rw' --cap osd 'allow rwx'
monmaptool --create --fsid "$fsid" --addv a "[v1:127.0.0.1:$monitor]" monmap
ceph-mon -c ceph.conf -i a --mkfs --monmap monmap --keyring keyring
ceph-mon -c ceph.conf -i a -f &
echo '{}' | ceph -c ceph.conf --connect-timeout 60 osd new "$store" -i -
ceph-osd -c ceph.conf -i 0 --mkfs --osd-uuid "$store"
ceph-osd -c ceph.conf -i 0 -f &
radosgw-admin -c ceph.conf -n client.gateway user create --uid muster --display-name Muster \
  --access-key "$access" --secret-key "$secret" >/dev/null
exec radosgw -c ceph.conf -n client.gateway -f
