package attempt

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rackwright/journal"
)

// told is an event as it counts for a boot.
type told struct {
	journal.Event
	client, message, reply, rule string
	stage                        Stage // that it proves; "": none
}

// counts reports whether events of a kind are part of a boot's story.
func counts(k journal.Kind) bool {
	switch k {
	case journal.PhoneHome, journal.FirstBoot:
		return true
	}
	family, _, _ := strings.Cut(string(k), ".")
	return slices.Contains([]string{"dhcp", "tftp", "http", "agent", "bmc", "op"}, family)
}

// besideUs is the rule of a machine that takes its address from the server whose proxy we are.
const besideUs = "given-by-other-server"

// onWire reports whether the machine itself was seen.
func (t *told) onWire() bool {
	family, _, _ := strings.Cut(string(t.Kind), ".")
	return family != "bmc" && family != "op"
}

func read(e journal.Event) told {
	t := told{Event: e, client: word(e, "client"), message: word(e, "message"), reply: word(e, "reply"), rule: word(e, "rule")}
	if t.client == "os" && strings.HasPrefix(word(e, "arch"), "uboot") { // its vendor class is its builder's choice
		t.client = "pxe"
	}
	if word(e, "protocol") == "DHCPv6" {
		t.six()
	}
	t.stage = t.proves()
	return t
}

// six reads DHCPv6 as the step of a boot that it is. What a system says by it is none, and
// firmware speaks as one when it configures its port before it netboots.
func (t *told) six() {
	if t.client == "os" {
		t.message = ""
		return
	}
	if t.message == "SOLICIT" || t.message == "INFORMATION-REQUEST" {
		t.message = "DISCOVER"
	}
	asks, given := t.message == "DISCOVER" || t.message == "REQUEST", slices.Contains([]string{"", "advertised", "given", "informed"}, t.rule)
	switch {
	case t.reply == "ADVERTISE" && given:
		t.reply = "OFFER"
	case t.reply == "REPLY" && given && asks:
		t.reply = "ACK"
	default:
		t.reply = ""
	}
}

// proves is the stage that an event shows to be reached.
func (t *told) proves() Stage {
	switch t.Kind {
	case journal.BMCAction:
		if t.started() {
			return Power
		}
	case journal.DHCPAnswered:
		return t.granted()
	case journal.DHCPIgnored:
		switch {
		case t.client == "os":
		case t.message == "DISCOVER":
			return Discover
		case t.rule == besideUs:
			return Ack
		}
	case journal.TFTPSent, journal.HTTPSent:
		return t.fetched()
	case journal.AgentRefused:
		return Ramdisk // the agent is in it
	case journal.AgentCheckIn:
		return Agent
	case journal.FirstBoot, journal.PhoneHome:
		return FirstBoot
	}
	return ""
}

// started reports whether the BMC was told to start the machine.
func (t *told) started() bool {
	return t.Kind == journal.BMCAction && slices.Contains([]string{"on", "cycle", "reset"}, word(t.Event, "power"))
}

// granted is the stage of an answer to DHCP. That of a system is none of a netboot.
func (t *told) granted() Stage {
	switch {
	case t.client == "os":
		return ""
	case t.reply == "OFFER":
		return Offer
	case t.reply == "ACK":
		return Ack
	case t.message == "DISCOVER":
		return Discover
	}
	return ""
}

// fetched is the stage that a whole file takes a machine to.
func (t *told) fetched() Stage {
	if yes(t.Event, "aborted") || yes(t.Event, "size_only") {
		return ""
	}
	file, script := word(t.Event, "file"), word(t.Event, "script")
	switch {
	case script == "local-disk":
		return LocalDisk
	case script != "":
		return Script
	case yes(t.Event, "answers"):
		return Installer
	case isLoader(file):
		return Loader
	case yes(t.Event, "partial"):
		return ""
	case strings.HasPrefix(file, "vmlinuz"):
		return Kernel
	case strings.HasPrefix(file, "initrd"):
		return Ramdisk
	}
	return ""
}

// optional reports whether it asked for what it goes on without.
func (t *told) optional() bool { return word(t.Event, "reason") == "optional" }

// isLoader tells programs for firmware from what they ask for afterwards.
func isLoader(file string) bool {
	return strings.HasSuffix(file, ".efi") || strings.HasSuffix(file, ".kpxe") || strings.HasSuffix(file, ".pxe")
}

// word is a detail as text. Details come from memory with types of their own, or from JSON.
func word(e journal.Event, key string) string {
	if v, ok := e.Detail[key]; ok && v != nil {
		return fmt.Sprint(v)
	}
	return ""
}

func yes(e journal.Event, key string) bool { return e.Detail[key] == true }

// count is a detail as a number.
func count(e journal.Event, key string) int64 {
	switch v := e.Detail[key].(type) {
	case int:
		return int64(v)
	case int64:
		return v
	case uint16:
		return int64(v)
	case float64:
		return int64(v)
	case json.Number:
		n, _ := v.Int64()
		return n
	}
	return 0
}
