package inventory_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"rackwright/inventory"
)

func TestAnOptionIsWrittenAsItsTypeSays(t *testing.T) {
	for _, c := range []struct {
		kind  inventory.OptionType
		value string
		want  string // hexadecimal; "-": refused
	}{
		{inventory.OptionIP, "10.0.0.1", "0a000001"},
		{inventory.OptionIP, "10.0.0.1, 10.0.0.2", "-"},
		{inventory.OptionIPs, "10.0.0.1, 10.0.0.2", "0a0000010a000002"},
		{inventory.OptionIPs, "2001:db8::1", "-"},
		{inventory.OptionIPs, "", "-"},
		{inventory.OptionText, "pxelinux.cfg/lab", "7078656c696e75782e6366672f6c6162"},
		{inventory.OptionText, "a\x00b", "-"},
		{inventory.OptionText, "", "-"},
		{inventory.OptionUint8, "255", "ff"},
		{inventory.OptionUint8, "256", "-"},
		{inventory.OptionUint16, "0x1234", "1234"},
		{inventory.OptionUint32, "4294967295", "ffffffff"},
		{inventory.OptionUint32, "-1", "-"},
		{inventory.OptionBool, "true", "01"},
		{inventory.OptionBool, "no", "-"},
		{inventory.OptionHex, "0x00:ff", "00ff"},
		{inventory.OptionHex, "0", "-"},
		{inventory.OptionRoutes, "10.17.0.0/16 via 10.0.0.254, 0.0.0.0/0 via 10.0.0.253", "100a110a0000fe000a0000fd"},
		{inventory.OptionRoutes, "10.17.0.1/16 via 10.0.0.254", "-"},
		{inventory.OptionRoutes, "10.17.0.0/16", "-"},
		{"", "x", "-"},
	} {
		b, err := inventory.Option{Code: 224, Type: c.kind, Value: c.value}.Encode()
		got := hex.EncodeToString(b)
		if err != nil {
			got = "-"
		}
		if got != c.want {
			t.Errorf("%s %q is %s, want %s", c.kind, c.value, got, c.want)
		}
	}
}

func TestOptionsOfTheProtocolAndOfANetworksFieldsAreRefused(t *testing.T) {
	for code, word := range map[uint16]string{0: "padding", 1: "cidr", 3: "gateway", 50: "protocol", 51: "lease_seconds", 53: "protocol", 54: "protocol", 82: "protocol", 255: "padding", 256: "v6: true"} {
		if _, err := (inventory.Option{Code: code, Type: inventory.OptionHex, Value: "00"}).Encode(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("option %d: %v", code, err)
		}
	}
}

func TestAnOptionOfDHCPv6IsOfItsOwnFamily(t *testing.T) {
	for _, c := range []struct {
		code  uint16
		kind  inventory.OptionType
		value string
		want  string // hexadecimal; "-": refused
	}{
		{22, inventory.OptionIPs, "2001:db8::1, 2001:db8::2", "20010db800000000000000000000000120010db8000000000000000000000002"},
		{22, inventory.OptionIP, "10.0.0.1", "-"},
		{22, inventory.OptionIP, "fe80::1%eth0", "-"},
		{41, inventory.OptionText, "Europe/Berlin", "4575726f70652f4265726c696e"},
		{121, inventory.OptionRoutes, "10.17.0.0/16 via 10.0.0.254", "-"},
		{300, inventory.OptionHex, "00:01", "0001"},
		{3, inventory.OptionHex, "00", "-"},
		{23, inventory.OptionIP, "2001:db8::1", "-"},
		{59, inventory.OptionText, "tftp://[2001:db8::1]/x", "-"},
	} {
		b, err := inventory.Option{Code: c.code, V6: true, Type: c.kind, Value: c.value}.Encode()
		got := hex.EncodeToString(b)
		if err != nil {
			got = "-"
		}
		if got != c.want {
			t.Errorf("%d %s %q is %s (%v), want %s", c.code, c.kind, c.value, got, err, c.want)
		}
	}
	four := inventory.Option{Code: 41, Type: inventory.OptionIP, Value: "10.0.0.1"}
	six := inventory.Option{Code: 41, V6: true, Type: inventory.OptionText, Value: "UTC"}
	if each, all := inventory.CheckOptions([]inventory.Option{four, six}); len(each) > 0 || all != nil {
		t.Errorf("the same number of both families is refused: %v %v", each, all)
	}
	if each, _ := inventory.CheckOptions([]inventory.Option{six, six}); each[1] == nil || !strings.Contains(each[1].Error(), "41 of DHCPv6") {
		t.Errorf("twice: %v", each)
	}
}

func TestOptionsAreFewSmallAndEachOnce(t *testing.T) {
	one := inventory.Option{Code: 224, Type: inventory.OptionText, Value: "x"}
	if each, all := inventory.CheckOptions([]inventory.Option{one, one}); all != nil || each[0] != nil || each[1] == nil {
		t.Errorf("twice: %v %v", each, all)
	}
	if _, all := inventory.CheckOptions(make([]inventory.Option, inventory.MaxOptions+1)); all == nil {
		t.Error("too many are taken")
	}
	big, other := one, one
	big.Value, other.Code = strings.Repeat("x", inventory.MaxOptionBytes), 225
	if _, all := inventory.CheckOptions([]inventory.Option{big, other}); all == nil {
		t.Error("too large ones are taken")
	}
}

func FuzzOption(f *testing.F) {
	f.Add(uint16(121), false, "routes", "10.17.0.0/16 via 10.0.0.254")
	f.Add(uint16(209), false, "text", "pxelinux.cfg/lab")
	f.Add(uint16(21), true, "ips", "2001:db8::1, 2001:db8::2")
	f.Fuzz(func(t *testing.T, code uint16, v6 bool, kind, value string) {
		b, err := inventory.Option{Code: code, V6: v6, Type: inventory.OptionType(kind), Value: value}.Encode()
		if err == nil && len(b) > 10*inventory.MaxOptionBytes {
			t.Errorf("%d bytes of %q", len(b), value)
		}
	})
}
