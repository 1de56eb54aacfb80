package wire

import (
	"fmt"
	"testing"
)

func TestARecordIsReadOutOfWhatABMCPrints(t *testing.T) {
	b := LogRecord(NoLink, 0x8086, 0x1572)
	want := "the netboot agent: no network port has link; no driver for the controller with PCI id 8086:1572"
	for _, s := range []string{fmt.Sprintf("OEM record e0 | %x", b[3:]), fmt.Sprintf("% X", b), fmt.Sprintf("OEM data: %# x", b[3:])} {
		if got, ok := ReadLogText(s); !ok || got != want {
			t.Errorf("%q is %q", s, got)
		}
	}
	for _, s := range []string{"", "LAN heartbeat lost", "524b5752", "524b5752zz8086157200"} {
		if got, ok := ReadLogText(s); ok {
			t.Errorf("%q is %q", s, got)
		}
	}
}

func FuzzLogText(f *testing.F) {
	f.Add(fmt.Sprintf("%x", LogRecord(NoLink, 1, 2)))
	f.Fuzz(func(_ *testing.T, s string) { ReadLogText(s); ReadLogRecord([]byte(s)) })
}
