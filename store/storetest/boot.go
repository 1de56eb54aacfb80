package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/store"
)

// nonce begins a boot of n1 for a running deployment.
func (b *bench) nonce() (nonce, operation string) {
	b.t.Helper()
	b.apply(planOf(1))
	o := b.running("n1")
	return must(b.Begin(b.ctx(), &boot.Host{Machine: o.Machine, MAC: mac(1), Operation: o.ID}))(b.t), o.ID
}

func boots() chapter {
	return chapter{
		"a nonce is redeemed once, whoever races for it": func(t *testing.T, b *bench) {
			nonce, id := b.nonce()
			same(t, "minted for", must(b.Check(b.ctx(), nonce))(t).MAC, mac(1))
			sessions := make([]string, 8)
			race(len(sessions), func(i int) {
				op, session, err := b.Redeem(b.ctx(), nonce)
				if err == nil {
					sessions[i] = session
					same(t, "operation", op, id)
				} else if !fault.Is(err, fault.Denied) || session != "" {
					t.Errorf("got %v, session %q", err, session)
				}
			})
			won := 0
			for _, s := range sessions {
				if s != "" {
					won++
					op, name, err := b.Session(b.ctx(), s)
					ok(t, err)
					same(t, "operation", op, id)
					if len(name) != 8 || name == s[:8] {
						t.Errorf("the session is called %q", name)
					}
				}
			}
			same(t, "sessions", won, 1)
			_, err := b.Check(b.ctx(), nonce)
			refused(t, err, fault.Denied)
		},
		"two nonces of one boot that are redeemed at once open one session": func(t *testing.T, b *bench) {
			one, id := b.nonce()
			two := must(b.Begin(b.ctx(), &boot.Host{MAC: mac(1), Operation: id}))(t)
			errs := make([]error, 2)
			race(2, func(i int) { _, _, errs[i] = b.Redeem(b.ctx(), []string{one, two}[i]) })
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Errorf("got %v and %v", errs[0], errs[1])
			}
			same(t, "secrets left", b.count("SELECT count(*) FROM boot_secret"), 1)
		},
		"the newest eight nonces of an operation are good": func(t *testing.T, b *bench) {
			first, id := b.nonce()
			all := []string{first}
			for range 10 {
				b.clock.Turn(time.Second)
				all = append(all, must(b.Begin(b.ctx(), &boot.Host{MAC: mac(1), Operation: id}))(t))
			}
			for i, nonce := range all {
				if _, err := b.Check(b.ctx(), nonce); (err == nil) != (i >= 3) {
					t.Errorf("nonce %d of %d: %v", i+1, len(all), err)
				}
			}
			for range 20 { // all at one moment
				last := must(b.Begin(b.ctx(), &boot.Host{MAC: mac(1), Operation: id}))(t)
				must(b.Check(b.ctx(), last))(t)
			}
			same(t, "kept", b.count("SELECT count(*) FROM boot_secret"), 8)
		},
		"a made-up nonce ends no boot, and a used one the others of its operation": func(t *testing.T, b *bench) {
			nonce, id := b.nonce()
			other := must(b.Begin(b.ctx(), &boot.Host{MAC: mac(1), Operation: id}))(t)
			_, _, err := b.Redeem(b.ctx(), "made-up")
			refused(t, err, fault.Denied)
			must(b.Check(b.ctx(), nonce))(t)
			_, session, err := b.Redeem(b.ctx(), nonce)
			ok(t, err)
			for _, bad := range []string{nonce, other, "made-up"} {
				_, _, err = b.Redeem(b.ctx(), bad)
				refused(t, err, fault.Denied)
			}
			_, _, err = b.Session(b.ctx(), session)
			ok(t, err)
		},
		"a nonce that expired is refused, and pruned": func(t *testing.T, b *bench) {
			nonce, _ := b.nonce()
			b.clock.Turn(31 * time.Minute)
			_, err := b.Check(b.ctx(), nonce)
			refused(t, err, fault.Denied)
			_, _, err = b.Redeem(b.ctx(), nonce)
			refused(t, err, fault.Denied)
			ok(t, b.Prune(b.ctx()))
			same(t, "secrets left", b.count("SELECT count(*) FROM boot_secret"), 0)
		},
		"the next boot's session replaces the one before, and ending them ends all": func(t *testing.T, b *bench) {
			nonce, id := b.nonce()
			_, first, err := b.Redeem(b.ctx(), nonce)
			ok(t, err)
			again := must(b.Begin(b.ctx(), &boot.Host{MAC: mac(1), Operation: id}))(t)
			_, _, err = b.Session(b.ctx(), first)
			ok(t, err) // a script alone ends nothing
			_, second, err := b.Redeem(b.ctx(), again)
			ok(t, err)
			_, _, err = b.Session(b.ctx(), first)
			refused(t, err, fault.Denied)
			ok(t, b.EndSessions(b.ctx(), id))
			_, _, err = b.Session(b.ctx(), second)
			refused(t, err, fault.Denied)
		},
		"a session ends by itself in a day": func(t *testing.T, b *bench) {
			nonce, _ := b.nonce()
			_, session, err := b.Redeem(b.ctx(), nonce)
			ok(t, err)
			b.clock.Turn(24 * time.Hour)
			_, _, err = b.Session(b.ctx(), session)
			refused(t, err, fault.Denied)
		},
		"a nonce is no session and a session no nonce": func(t *testing.T, b *bench) {
			nonce, _ := b.nonce()
			_, _, err := b.Session(b.ctx(), nonce)
			refused(t, err, fault.Denied)
			_, session, err := b.Redeem(b.ctx(), nonce)
			ok(t, err)
			_, _, err = b.Redeem(b.ctx(), session)
			refused(t, err, fault.Denied)
		},
		"the newest evidence of each kind is kept": func(t *testing.T, b *bench) {
			_, id := b.nonce() // leaves evidence that the script was fetched
			ok(t, b.AddEvidence(b.ctx(), id, store.SawReport, map[string]any{"n": 1}))
			b.clock.Turn(time.Second)
			ok(t, b.AddEvidence(b.ctx(), id, store.SawReport, map[string]any{"n": 2, "text": "ü \x00"}))
			all := must(b.EvidenceOf(b.ctx(), id))(t)
			var got struct {
				N    int
				Text string
			}
			ok(t, json.Unmarshal(all[store.SawReport].Detail, &got))
			if len(all) != 2 || got.N != 2 || got.Text != "ü \uFFFD" || !all[store.SawReport].At.Equal(b.clock.Now()) {
				t.Errorf("kept %+v, detail %+v", all, got)
			}
		},
		"racing evidence of one kind is one": func(t *testing.T, b *bench) {
			_, id := b.nonce()
			race(6, func(i int) {
				if err := b.AddEvidence(b.ctx(), id, store.SawDHCP, map[string]any{"n": i}); err != nil {
					t.Error(err)
				}
			})
			same(t, "evidence", b.count("SELECT count(*) FROM evidence WHERE kind = 'dhcp'"), 1)
		},
	}
}
