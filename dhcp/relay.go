package dhcp

import (
	"encoding/hex"
	"unicode"
	"unicode/utf8"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Relay is what a DHCP relay says of where a message came from: suboptions 1 and 2 of
// option 82 (RFC 3046 sections 3.1 and 3.2).
type Relay struct {
	Circuit string // its port
	Remote  string // itself, or who is behind the port
}

// relayOf reads what a relay added, empty where there is none. It is evidence, not proof:
// only a relay that drops option 82 of its clients keeps them from writing it themselves.
func relayOf(m *dhcpv4.DHCPv4) Relay {
	info := m.RelayAgentInfo()
	if info == nil {
		return Relay{}
	}
	return Relay{Circuit: told(info.Options[circuitID]), Remote: told(info.Options[remoteID])}
}

// maxTold bounds a suboption that is kept, bytes; one is at most 255 long, and shown in
// hexadecimal it is twice that.
const maxTold = 120

// told shows an opaque suboption: as text when it is printable, else 0x and hexadecimal.
func told(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	b = b[:min(len(b), maxTold)]
	text := string(b)
	if !utf8.ValidString(text) {
		return "0x" + hex.EncodeToString(b)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return "0x" + hex.EncodeToString(b)
		}
	}
	return text
}
