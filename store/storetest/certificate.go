package storetest

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/store"
)

func certificates() chapter {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	of := func(t *testing.T, b *bench, id, serial string, at time.Time) *deploy.SignedCertificate {
		t.Helper()
		m := must(b.Machine(b.ctx(), "n1"))(t)
		return must(deploy.Sign(deploy.Certificate{ID: id, Machine: deploy.CertifiedMachine{ID: m.ID, Name: m.Name}, Disk: deploy.CertifiedDisk{Serial: serial, WWN: "naa.5", Bytes: 8 << 40},
			Method: "discard", Pattern: "zeros", Samples: 290, Began: at, Ended: at, Operation: "11111111-2222-3333-4444-555555555555", Actor: "ann"}, key))(t)
	}
	return chapter{
		"a certificate is kept as it was signed, once, and told in the journal": func(t *testing.T, b *bench) {
			b.apply(planOf(1))
			c := of(t, b, "aa01", "S1", b.clock.Now())
			for range 2 {
				ok(t, b.AddCertificate(b.ctx(), c))
			}
			same(t, "read back", *must(b.Certificate(b.ctx(), "AA01"))(t), *c)
			same(t, "events", b.count("SELECT count(*) FROM event WHERE kind = 'disk.erased'"), 1)
			_, err := b.Certificate(b.ctx(), "none")
			refused(t, err, fault.NotFound)
		},
		"certificates are found by machine, operation and disk, the newest first": func(t *testing.T, b *bench) {
			b.apply(planOf(2))
			ok(t, b.AddCertificate(b.ctx(), of(t, b, "aa01", "S1", b.clock.Now())))
			ok(t, b.AddCertificate(b.ctx(), of(t, b, "aa02", "S2", b.clock.Now().Add(time.Hour))))
			n2 := must(b.Machine(b.ctx(), "n2"))(t)
			for name, c := range map[string]struct {
				f    store.CertificateFilter
				want int
			}{
				"all": {store.CertificateFilter{}, 2}, "one": {store.CertificateFilter{Limit: 1}, 1}, "disk": {store.CertificateFilter{Disk: "S1"}, 1},
				"WWN": {store.CertificateFilter{Disk: "naa.5"}, 2}, "another machine": {store.CertificateFilter{Machine: n2.ID}, 0},
				"operation": {store.CertificateFilter{Operation: "11111111-2222-3333-4444-555555555555"}, 2},
			} {
				same(t, name, len(must(b.Certificates(b.ctx(), c.f))(t)), c.want)
			}
			same(t, "first", must(b.Certificates(b.ctx(), store.CertificateFilter{}))(t)[0].Certificate.ID, "aa02")
		},
	}
}
