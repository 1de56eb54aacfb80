package boot

import (
	"bytes"
)

// The scripts inside the UEFI loaders, run when firmware starts them. They ask DHCP again, now
// as iPXE, on the port that firmware booted from, and run what DHCP names. Whatever ends
// one, the loader returns an error to the firmware: on success OVMF and others stop at
// their menu, on an error they try the next boot entry (UEFI 2.10 section 3.1.2).
//
// iPXE does not say by which family firmware loaded it, and "dhcp" waits for both: 15 s where
// there is no DHCPv4. So what was fetched over IPv6 asks by that first, port by port.
const (
	embedded    = scriptHead + scriptAny
	embeddedSix = scriptHead + scriptSix + scriptAny

	scriptHead = `#!ipxe
echo rackwright network boot
`
	scriptSix = `set port:int32 0
:six
isset ${net${port}/mac} || goto any
ifconf -c ipv6 net${port} && isset ${filename} && goto load ||
inc port
iseq ${port} 32 || goto six
:any
`
	scriptAny = `set idx:int32 0
:find
isset ${net${idx}/ip} && goto found ||
inc idx
iseq ${idx} 32 || goto find
set tries:int32 0
:some
dhcp && goto load ||
inc tries
iseq ${tries} 5 || goto some
exit 1
:found
set tries:int32 0
:same
dhcp net${idx} && goto load ||
inc tries
iseq ${tries} 5 || goto same
exit 1
:load
chain --autofree ${filename} || exit 1
exit 1
`
)

// withScript returns a copy of a UEFI loader whose built-in script, from its first line
// to its last, is replaced by ours at the same length. A loader in which the built-in
// script is not found is returned as it is, with false: BIOS loaders are compressed.
func withScript(loader []byte, script string) ([]byte, bool) {
	first, last := []byte("#!ipxe\n\nset user-class Tinkerbell\n"), []byte("echo Failed to find the vlan interface\nshell\n")
	from := bytes.Index(loader, first)
	if from < 0 {
		return loader, false
	}
	end := bytes.Index(loader[from:], last)
	if end < 0 || end > 4096 || len(script) > end {
		return loader, false
	}
	out := bytes.Clone(loader)
	room := out[from : from+end+len(last)]
	n := copy(room, script)
	for i := range room[n:] {
		room[n+i] = '\n'
	}
	return out, true
}
