package agent_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"rackwright/agent"
	"rackwright/agent/rescue"
	"rackwright/agent/wire"
)

func TestARescueIsOpenUntilThePersonHasFinished(t *testing.T) {
	b := newBench(t, 1)
	b.world.Rescue = rescue.Ground{Address: "127.0.0.1", Port: -1, Root: "/", Facts: b.world.Facts, Say: t.Logf}
	b.world.Pause = func(ctx context.Context, _ time.Duration) error { return agent.Sleep(ctx, 20*time.Millisecond) }
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	b.Order(wire.Order{ID: "r1", Verb: wire.Rescue, Rescue: &wire.RescueOrder{AuthorizedKeys: []string{string(ssh.MarshalAuthorizedKey(signer.PublicKey()))}, Seconds: 600}})
	ended := make(chan error, 1)
	go func() { ended <- agent.Run(t.Context(), b.world) }()
	e, err := b.Await(time.Minute, func(e wire.Event) bool { return e.Stage == wire.Open })
	if err != nil {
		t.Fatal(err)
	}
	var door wire.Door
	if err := json.Unmarshal(e.Result, &door); err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(door.HostKey))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ssh.Dial("tcp", door.Address, &ssh.ClientConfig{User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(key)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := b.Await(time.Minute, func(e wire.Event) bool { return strings.HasPrefix(e.Detail, "logged in: SHA256:") && len(e.Result) > 0 }); err != nil {
		t.Error(err)
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run("exit --done"); err != nil {
		t.Error(err)
	}
	if _, err := b.Await(time.Minute, func(e wire.Event) bool { return e.Order == "r1" && e.Stage == wire.Completed }); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", door.Address); err == nil {
		_ = conn.Close()
		t.Error("the door is still open")
	}
	b.Order(wire.Order{ID: "o2", Verb: wire.Reboot})
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestARescueThatNobodyCouldEnterFails(t *testing.T) {
	b := newBench(t, 1)
	b.Order(wire.Order{ID: "r1", Verb: wire.Rescue, Rescue: &wire.RescueOrder{AuthorizedKeys: []string{"nonsense"}, Seconds: 600}})
	ended := make(chan error, 1)
	go func() { ended <- agent.Run(t.Context(), b.world) }()
	if e, err := b.Await(time.Minute, func(e wire.Event) bool { return e.Stage == wire.Failed }); err != nil || e.Reason != wire.ReasonRescue || e.Hint == "" {
		t.Errorf("%+v %v", e, err)
	}
	b.Order(wire.Order{ID: "o2", Verb: wire.Reboot})
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestTheVLANIsReadFromTheCommandLine(t *testing.T) {
	line := "rackwright.server=https://10.0.0.1:8443 rackwright.nonce=n rackwright.pin=" + strings.Repeat("ab", 32)
	if p, err := agent.ParseParams(line + " rackwright.vlan=4094"); err != nil || p.VLAN != 4094 {
		t.Errorf("%+v %v", p, err)
	}
	for _, bad := range []string{"0", "4095", "x", "-1"} {
		if _, err := agent.ParseParams(line + " rackwright.vlan=" + bad); err == nil {
			t.Errorf("VLAN %s is taken", bad)
		}
	}
}
