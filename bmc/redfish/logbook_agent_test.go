package redfish

import (
	"fmt"
	"testing"

	agentwire "rackwright/agent/wire"
)

func TestWhatTheAgentWroteIntoTheLogIsReadable(t *testing.T) {
	m := newMock(t, "dell")
	s := withLog(m, 3)
	s.entries[1]["Message"] = fmt.Sprintf("An OEM record of type 0xe0 was logged: %# x.", agentwire.LogRecord(agentwire.NoDriver, 0x8086, 0x1572)[3:])
	all := logOf(t, open(t, m, &Dialer{Timing: quick()}), 10)
	if len(all) != 3 || all[1].Message != "the netboot agent: no network port has a driver; no driver for the controller with PCI id 8086:1572" || all[0].Message != "event 2" {
		t.Errorf("%+v", all)
	}
}
