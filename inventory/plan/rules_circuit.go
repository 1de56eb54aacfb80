package plan

import (
	"fmt"
	"strings"

	"rackwright/inventory"
)

// relayWords are what DHCP relays say of a port (option 82), in lower case; remote is ""
// for a switch that is planned without one.
type relayWords struct{ remote, circuit string }

func wordsFor(d *inventory.Device, p *inventory.Port) relayWords {
	return relayWords{strings.ToLower(d.RemoteID), strings.ToLower(p.Circuit)}
}

// relayed names the devices that have a port of which relays say the same.
func (s *state) relayed() map[relayWords][]string {
	if s.byRelay != nil {
		return s.byRelay
	}
	s.byRelay = map[relayWords][]string{}
	for _, d := range s.gear {
		for i := range d.Ports {
			if d.Ports[i].Circuit == "" {
				continue
			}
			words := wordsFor(d, &d.Ports[i])
			if of := s.byRelay[words]; len(of) == 0 || of[len(of)-1] != d.Name {
				s.byRelay[words] = append(of, d.Name)
			}
		}
	}
	return s.byRelay
}

// circuits minds switches whose ports relays tell as they tell another's: see
// inventory.Evidence.Locate.
func (w *warner) circuits(rack *inventory.Rack, t *thing) {
	if t.device == nil {
		return
	}
	of, ports, first, other := w.have.relayed(), 0, "", ""
	for i := range t.device.Ports {
		p := &t.device.Ports[i]
		names := of[wordsFor(t.device, p)]
		if len(names) < 2 {
			continue
		}
		if ports++; ports == 1 {
			first, other = p.Circuit, names[0]
			if other == t.name {
				other = names[1]
			}
		}
	}
	if ports > 0 {
		w.warn(rack, t, circuitAmbiguous, "", fmt.Sprintf("relays call %d of its ports as they call ports of %s, e.g. %s: give each switch its remote_id, or circuits of its own", ports, other, first))
	}
}
