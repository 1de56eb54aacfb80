package scripted

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"log/slog"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"rackwright/agent/wire"
	"rackwright/racksim"
)

// rescued is a scripted machine's agent, and what it reports.
type rescued struct {
	*agent
	told []wire.Event
}

func newRescued(t *testing.T) *rescued {
	r := &rescued{}
	server := httptest.NewTLSServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, q *nethttp.Request) {
		var e wire.Event
		if err := json.NewDecoder(q.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		r.told = append(r.told, e) // one request at a time
		w.WriteHeader(nethttp.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	m := New(Config{Machine: racksim.Machine{Name: "m1", Kind: racksim.KindScripted}, Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	r.agent = &agent{m: m, web: server.Client(), base: server.URL, ended: map[string]wire.Event{}}
	t.Cleanup(r.shut)
	return r
}

func (r *rescued) last() wire.Event { return r.told[len(r.told)-1] }

// signer is the same key for the same letter.
func signer(t *testing.T, letter string) ssh.Signer {
	s, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat(letter, ed25519.SeedSize))))
	ok(t, err)
	return s
}

func rescueOrder(id string, keys ...string) wire.Order {
	return wire.Order{ID: id, Verb: wire.Rescue, Rescue: &wire.RescueOrder{AuthorizedKeys: keys, Seconds: 3600}}
}

func logIn(door wire.Door, user string, key ssh.Signer) (*ssh.Client, error) {
	host, _, _, _, err := ssh.ParseAuthorizedKey([]byte(door.HostKey))
	if err != nil {
		return nil, err
	}
	return ssh.Dial("tcp", door.Address, &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.FixedHostKey(host), Timeout: 20 * time.Second})
}

func TestAPersonIsLetIntoAScriptedMachineAndSaysWhenItIsOver(t *testing.T) {
	r, mia, ctx := newRescued(t), signer(t, "m"), context.Background()
	o := rescueOrder("o1", string(ssh.MarshalAuthorizedKey(mia.PublicKey())))
	ok(t, r.rescue(ctx, o))
	var door wire.Door
	if e := r.last(); e.Order != "o1" || e.Stage != wire.Open || json.Unmarshal(e.Result, &door) != nil {
		t.Fatalf("told %+v", r.told)
	}
	for user, key := range map[string]ssh.Signer{"root": signer(t, "e"), "mia": mia} {
		if _, err := logIn(door, user, key); err == nil {
			t.Errorf("%s was let in with %s", user, ssh.FingerprintSHA256(key.PublicKey()))
		}
	}
	c, err := logIn(door, "root", mia)
	ok(t, err)
	defer c.Close()
	for _, line := range []string{"lsblk", "exit --done", "reboot"} { // over twice is over
		s, err := c.NewSession()
		ok(t, err)
		if out, err := s.Output(line); err != nil || string(out) != "m1 is a scripted machine: it runs no commands\n" {
			t.Errorf("%s: %q, %v", line, out, err)
		}
	}
	ok(t, r.rescue(ctx, o))
	if len(r.told) != 3 || r.told[1].Detail != "logged in: "+ssh.FingerprintSHA256(mia.PublicKey()) || r.last().Stage != wire.Completed || r.guest != nil {
		t.Errorf("told %+v", r.told)
	}
	if _, err := logIn(door, "root", mia); err == nil {
		t.Error("the door is open after the end")
	}
}

func TestAnotherRescueShutsTheDoorOfTheFormer(t *testing.T) {
	r, mia := newRescued(t), signer(t, "m")
	key := string(ssh.MarshalAuthorizedKey(mia.PublicKey()))
	ok(t, r.rescue(context.Background(), rescueOrder("o1", key)))
	var first wire.Door
	ok(t, json.Unmarshal(r.last().Result, &first))
	ok(t, r.rescue(context.Background(), rescueOrder("o1", key)))
	if len(r.told) != 1 {
		t.Errorf("asked again, with nobody there, it told %+v", r.told[1:])
	}
	ok(t, r.rescue(context.Background(), rescueOrder("o2", key)))
	if _, err := logIn(first, "root", mia); err == nil || r.last().Order != "o2" {
		t.Errorf("the first door is open; told %+v", r.told)
	}
}

func TestARescueWithAKeyThatCannotBeReadFails(t *testing.T) {
	r := newRescued(t)
	ok(t, r.rescue(context.Background(), rescueOrder("o1", "ssh-rsa nonsense")))
	if e := r.last(); e.Stage != wire.Failed || e.Reason != wire.ReasonRescue || r.guest != nil {
		t.Errorf("told %+v", e)
	}
}
