package redfish

import (
	"encoding/json"
	"testing"
	"time"

	"rackwright/racksim"
)

// lastReset is what a resource says of its last reset, "" when it says nothing.
func (b *bench) lastReset(t *testing.T, path string) string {
	t.Helper()
	var out struct{ LastResetTime string }
	if err := json.Unmarshal([]byte(b.call(t, "GET", path, "").text), &out); err != nil {
		t.Fatal(err)
	}
	return out.LastResetTime
}

func TestEachResetIsDated(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	if got := b.lastReset(t, systemPath); got != "" {
		t.Errorf("a machine that was never started was reset at %s", got)
	}
	born := b.lastReset(t, managerPath)
	for _, verb := range []string{"On", "ForceRestart", "ForceOff"} {
		was := b.lastReset(t, systemPath)
		b.clock.pass(time.Millisecond)
		if got := b.call(t, "POST", resetPath, `{"ResetType":"`+verb+`"}`); got.status != 204 {
			t.Fatalf("%s: %d", verb, got.status)
		}
		for late := time.After(10 * time.Second); !b.service.power.idle(); {
			select {
			case <-late:
				t.Fatalf("%s is not done", verb)
			default:
			}
		}
		if now := b.lastReset(t, systemPath); (now != was) != (verb != "ForceOff") {
			t.Errorf("after %s the last reset is %s, it was %s", verb, now, was)
		}
	}
	if now := b.lastReset(t, managerPath); now != born || born == "" {
		t.Errorf("the BMC began at %s, now at %s", born, now)
	}
}
