package agenttest

import (
	"crypto/ed25519"
	"encoding/json"

	"rackwright/agent/wire"
)

// Permit makes the permit of an order for a machine with these facts. What has no order is
// for the order at hand.
type Permit func(o wire.Order, seen *wire.CheckIn) wire.Permit

// signer is the test server's key.
func signer() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte("the permits' key of a test server"[:ed25519.SeedSize]))
}

// PermitKey is what permits are checked with.
func PermitKey() []byte { return signer().Public().(ed25519.PublicKey) }

// Sign signs a permit as the server does.
func Sign(p wire.Permit) *wire.SignedPermit {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // it is all strings
	}
	return &wire.SignedPermit{Permit: b, Signature: ed25519.Sign(signer(), b)}
}

// Everything permits every disk that was seen, whatever it holds.
func Everything(o wire.Order, seen *wire.CheckIn) wire.Permit {
	p := wire.Permit{Order: o.ID, Machine: "test-machine"}
	if seen == nil {
		return p
	}
	for _, d := range seen.Facts.Disks {
		p.Disks = append(p.Disks, wire.PermittedDisk{Serial: d.Serial, WWN: d.WWN, BusPath: d.BusPath, Bytes: d.Bytes, Holds: wire.HoldsAny})
	}
	return p
}

// permitted adds the permit to an order that destroys data and brings none.
func (s *Server) permitted(o wire.Order) wire.Order {
	if o.Permit != nil || o.Verb != wire.Write && o.Verb != wire.Erase && o.Verb != wire.Burn {
		return o
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	permit := s.Permit
	if permit == nil {
		permit = Everything
	}
	o.Permit = Sign(permit(o, s.checkIn))
	return o
}
