package agent_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"rackwright/agent/agenttest"
	"rackwright/agent/wire"
)

func TestAMirrorHoldsTheImageTwice(t *testing.T) {
	b := newBench(t, 48)
	o := b.order("")
	o.Write.Mirror = true
	b.Order(o)
	stop, _ := b.run(t)
	b.await(t, wire.Completed)
	_ = stop()
	for _, path := range b.disks {
		b.holdsImage(t, path)
		if _, err := exec.LookPath("mdadm"); err != nil {
			t.Log("mdadm does not look at it: apt-get install mdadm")
			continue
		}
		if out, err := exec.Command("mdadm", "--examine", path).CombinedOutput(); err != nil || !strings.Contains(string(out), "clean") {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func TestAMirrorOfOneDiskIsRefused(t *testing.T) {
	b := newBench(t, 48)
	o := b.order("")
	o.Write.Mirror = true
	b.Permit = func(o wire.Order, in *wire.CheckIn) wire.Permit {
		p := agenttest.Everything(o, in)
		p.Disks = p.Disks[:1]
		return p
	}
	b.Order(o)
	stop, _ := b.run(t)
	e, err := b.Await(deadline, func(e wire.Event) bool { return e.Stage == wire.Refused })
	_ = stop()
	text, _ := json.Marshal(e)
	if err != nil || e.Reason != wire.ReasonNoDisk || e.Hint == "" {
		t.Errorf("%s, %v", text, err)
	}
}
