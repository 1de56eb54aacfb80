package agent

import (
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"

	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// Params are what the boot script put on the kernel's command line.
type Params struct {
	Server *url.URL
	Pin    [32]byte // SHA-256 of the server's certificate in DER
	Nonce  string
	BootIf inventory.MAC // zero: not said
	VLAN   int           // tag of the network on the boot port; 0: none
}

// ParseParams reads a kernel command line. Errors are Invalid and name the key; they
// never print the nonce.
func ParseParams(cmdline string) (Params, error) {
	values := map[string]string{}
	for _, word := range strings.Fields(cmdline) {
		if key, value, ok := strings.Cut(word, "="); ok {
			values[key] = value
		}
	}
	p := Params{Nonce: values[wire.KeyNonce]}
	server, err := url.Parse(values[wire.KeyServer])
	if err != nil || server.Scheme != "https" || server.Host == "" {
		return p, badParam(wire.KeyServer, "an https URL")
	}
	p.Server = server
	if n, err := hex.Decode(p.Pin[:], []byte(values[wire.KeyPin][:min(64, len(values[wire.KeyPin]))])); err != nil || n != 32 || len(values[wire.KeyPin]) != 64 {
		return p, badParam(wire.KeyPin, "64 hexadecimal digits")
	}
	if p.Nonce == "" || len(p.Nonce) > 512 {
		return p, badParam(wire.KeyNonce, "this boot's nonce")
	}
	// PXELINUX's form has the hardware type before the address: 01-aa-bb-cc-dd-ee-ff.
	if mac := values[wire.KeyBootIf]; mac != "" {
		if len(mac) == 20 {
			mac = mac[3:]
		}
		if p.BootIf, err = inventory.ParseMAC(mac); err != nil {
			return p, badParam(wire.KeyBootIf, "a MAC address")
		}
	}
	if tag := values[wire.KeyVLAN]; tag != "" {
		if p.VLAN, err = strconv.Atoi(tag); err != nil || p.VLAN < 1 || p.VLAN > 4094 {
			return p, badParam(wire.KeyVLAN, "a VLAN's number, 1 to 4094")
		}
	}
	return p, nil
}

func badParam(key, want string) error {
	return fault.Invalidf("the kernel command line must have %s=%s", key, want).
		WithHint("this ramdisk is started by the server's boot script only; netboot the machine again")
}
