package v6

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"rackwright/boot"
)

// intel is the enterprise number that UEFI's classes are of (UEFI 2.10 section 24.3).
const intel = 343

// configure adds the network's parameters in the order the client asked for them (option
// 6), all of them when it asked for nothing, and what it loads next.
func (t *talk) configure(r *reply) {
	file := t.bootFile()
	if file != "" && t.client.Class == boot.HTTP { // else the offer is passed over (UEFI 2.10 section 24.7.3.1)
		class := binary.BigEndian.AppendUint32(nil, intel)
		r.b = put(r.b, optVendorClass, append(append(class, 0, 10), "HTTPClient"...))
	}
	done := map[uint16]bool{}
	add := func(code uint16) {
		if v := t.parameter(code, file); len(v) > 0 && !done[code] {
			done[code] = true
			r.b = put(r.b, code, v)
		}
	}
	wants, asked := t.msg.opts.get(optRequested)
	for ; len(wants) >= 2; wants = wants[2:] {
		add(binary.BigEndian.Uint16(wants))
	}
	if !asked {
		for _, code := range []uint16{optDNS, optDomains, optNTP} {
			add(code)
		}
	}
	add(optBootFile) // without it a loader has asked for nothing
	for o := range t.view.Options(t.network, t.host, true) {
		if o.Always {
			add(o.Code)
		}
	}
}

// parameter is the value of an option, nil when there is none.
func (t *talk) parameter(code uint16, file string) []byte {
	n := t.network
	switch code {
	case optDNS:
		return addresses(n.DNS)
	case optSNTP:
		return addresses(n.NTP)
	case optDomains:
		return domain(n.Domain)
	case optNTP: // RFC 5908: each server in a suboption
		var out []byte
		for _, a := range six(n.NTP) {
			out = put(out, 1, a.AsSlice())
		}
		return out
	case optBootFile:
		return []byte(file)
	case optBootParam:
		return t.bootSize(file)
	}
	return t.planned(code)
}

// planned is the value that the plan has for an option, the model's before the network's.
func (t *talk) planned(code uint16) (value []byte) {
	for o := range t.view.Options(t.network, t.host, true) {
		if o.Code != code {
			continue
		}
		if b, err := o.Encode(); err == nil { // the plan was checked: of another version of this program
			value = b
		}
	}
	return value
}

// bootSize is the one parameter that UEFI firmware reads: the size of what it loads by TFTP, in
// units of 512 bytes and at most 65535 of them (EDK II, PxeBcExtractBootFileParam). Told so, it
// does not ask TFTP for it. It is nil where the size is not known here.
func (t *talk) bootSize(url string) []byte {
	file, ok := strings.CutPrefix(url, "tftp://")
	_, file, found := strings.Cut(file, "/")
	if !ok || !found || t.set.Loaders == nil {
		return nil
	}
	f := t.set.Loaders.Get(file)
	if f == nil || f.Size > 512*65535 {
		return nil
	}
	return text(strconv.Itoa((f.Size + 511) / 512))
}

// six are the first IPv6 addresses of a list.
func six(list []netip.Addr) (out []netip.Addr) {
	for _, a := range list {
		if a.Is6() && len(out) < 4 {
			out = append(out, a)
		}
	}
	return out
}

func addresses(list []netip.Addr) (out []byte) {
	for _, a := range six(list) {
		out = append(out, a.AsSlice()...)
	}
	return out
}

// domain is a name as DNS writes it (RFC 1035 section 3.1).
func domain(name string) (out []byte) {
	if name == "" {
		return nil
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > 63 {
			return nil
		}
		out = append(append(out, byte(len(label))), label...)
	}
	return append(out, 0)
}

// bootFile is the URL of what the client loads next, "" for nothing. Firmware that loads by
// TFTP wants one too (UEFI 2.10 section 24.3.10).
func (t *talk) bootFile() string {
	if t.host != nil && t.host.BMC {
		return ""
	}
	at := t.server
	if t.set.BootServer.Is6() {
		at = t.set.BootServer
	}
	next := t.client.Next(t.view.Base(t.client, t.host, at, t.set.HTTPPort, t.set.HTTPSPort), t.view.LoaderOf(t.host), t.set.Loaders)
	if next != "" && t.client.Class == boot.PXE {
		return "tftp://[" + at.String() + "]/" + next
	}
	return next
}
