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
	for code, word := range map[uint8]string{0: "padding", 1: "cidr", 3: "gateway", 50: "protocol", 51: "lease_seconds", 53: "protocol", 54: "protocol", 82: "protocol", 255: "padding"} {
		if _, err := (inventory.Option{Code: code, Type: inventory.OptionHex, Value: "00"}).Encode(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("option %d: %v", code, err)
		}
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
	f.Add(uint8(121), "routes", "10.17.0.0/16 via 10.0.0.254")
	f.Add(uint8(209), "text", "pxelinux.cfg/lab")
	f.Fuzz(func(t *testing.T, code uint8, kind, value string) {
		b, err := inventory.Option{Code: code, Type: inventory.OptionType(kind), Value: value}.Encode()
		if err == nil && len(b) > 10*inventory.MaxOptionBytes {
			t.Errorf("%d bytes of %q", len(b), value)
		}
	})
}
