#!/bin/sh
# Debian is installed in /target: keys, the planned network, and the first word home.
set -eu
trap 'test $? = 0 || wget -q -O /dev/null http://10.77.0.1/boot/a/t0ken/failed?why=late.sh+failed' EXIT
system=/target
mkdir -p $system/root/.ssh $system/etc/systemd/network
cat > $system/root/.ssh/authorized_keys <<'RACKWRIGHT'
ssh-ed25519 AAAA technician
RACKWRIGHT
chmod 700 $system/root/.ssh
chmod 600 $system/root/.ssh/authorized_keys

cat > $system/etc/systemd/network/10-nic1.network <<'RACKWRIGHT'
[Match]
PermanentMACAddress=52:54:00:77:00:01

[Link]
MTUBytes=9000

[Network]
Bond=bond0
RACKWRIGHT
cat > $system/etc/systemd/network/10-nic2.network <<'RACKWRIGHT'
[Match]
PermanentMACAddress=52:54:00:77:00:02

[Link]
MTUBytes=9000

[Network]
Bond=bond0
RACKWRIGHT
cat > $system/etc/systemd/network/10-nic3.network <<'RACKWRIGHT'
[Match]
PermanentMACAddress=52:54:00:77:00:03

[Network]
VLAN=nic3.81
IPv6AcceptRA=no
RACKWRIGHT
cat > $system/etc/systemd/network/10-bond0.netdev <<'RACKWRIGHT'
[NetDev]
Name=bond0
Kind=bond
MTUBytes=9000

[Bond]
Mode=802.3ad
MIIMonitorSec=100ms
LACPTransmitRate=fast
TransmitHashPolicy=layer3+4
RACKWRIGHT
cat > $system/etc/systemd/network/20-bond0.network <<'RACKWRIGHT'
[Match]
Name=bond0

[Link]
MTUBytes=9000

[Network]
VLAN=bond0.79
VLAN=bond0.80
Address=10.77.0.11/24
Address=2001:db8::11/64
IPv6AcceptRA=no
DNS=10.77.0.53
Domains=lab.example
NTP=10.77.0.123

[Route]
Destination=0.0.0.0/0
Gateway=10.77.0.254

[Route]
Destination=::/0
Gateway=2001:db8::1
RACKWRIGHT
cat > $system/etc/systemd/network/10-bond0.79.netdev <<'RACKWRIGHT'
[NetDev]
Name=bond0.79
Kind=vlan
MTUBytes=9000

[VLAN]
Id=79
RACKWRIGHT
cat > $system/etc/systemd/network/20-bond0.79.network <<'RACKWRIGHT'
[Match]
Name=bond0.79

[Link]
MTUBytes=9000

[Network]
Address=10.79.0.11/24
IPv6AcceptRA=no
RACKWRIGHT
cat > $system/etc/systemd/network/10-bond0.80.netdev <<'RACKWRIGHT'
[NetDev]
Name=bond0.80
Kind=vlan

[VLAN]
Id=80
RACKWRIGHT
cat > $system/etc/systemd/network/20-bond0.80.network <<'RACKWRIGHT'
[Match]
Name=bond0.80

[Network]
Address=2001:db8:80::11/64
IPv6AcceptRA=yes
RACKWRIGHT
cat > $system/etc/systemd/network/10-nic3.81.netdev <<'RACKWRIGHT'
[NetDev]
Name=nic3.81
Kind=vlan

[VLAN]
Id=81
RACKWRIGHT
cat > $system/etc/systemd/network/20-nic3.81.network <<'RACKWRIGHT'
[Match]
Name=nic3.81

[Network]
IPv6AcceptRA=no
RACKWRIGHT
printf 'auto lo\niface lo inet loopback\n' > $system/etc/network/interfaces
chroot $system systemctl enable systemd-networkd.service
rm -f $system/etc/resolv.conf
cat > $system/etc/resolv.conf <<'RACKWRIGHT'
search lab.example
nameserver 10.77.0.53
RACKWRIGHT

cat > $system/etc/systemd/system/phone-home.service <<'RACKWRIGHT'
[Unit]
Description=Tells the provisioning service that this system runs
Wants=network-online.target
After=network-online.target
[Service]
Type=oneshot
ExecStart=/usr/bin/curl -sS -f --retry 100 --retry-delay 5 --retry-all-errors --data-urlencode hostname=node1 http://10.77.0.1/phone-home/t0ken
ExecStartPost=/bin/systemctl disable phone-home.service
ExecStartPost=/bin/rm -f /etc/systemd/system/phone-home.service
[Install]
WantedBy=multi-user.target
RACKWRIGHT
chmod 600 $system/etc/systemd/system/phone-home.service
chroot $system systemctl enable phone-home.service
