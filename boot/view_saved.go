package boot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/netip"
	"runtime"
	"slices"

	"rackwright/fault"
	"rackwright/inventory"
)

// A saved view is: this word, the revision, networks and models' options as JSON with their length before
// them, the number of machines, each machine, and the SHA-256 of all that. Numbers are
// unsigned varints, texts have their length before them. It holds what machines are told
// without a database: no secrets, and no operations, because an installer is netbooted
// only while the database confirms that it is wanted.
const savedWord = "rackwright boot view 3\n"

// Bounds of a saved view that is read.
const (
	savedText     = 1024    // bytes of a name
	savedNetworks = 8 << 20 // bytes of the nouns' JSON
)

// breath is after how many machines whoever waits for this processor goes first: a hall takes tens
// of milliseconds, and a machine may be waiting for its answer.
const breath = 256

// savedNouns are what there is few of.
type savedNouns struct {
	Networks []*inventory.Network
	Models

	Installation string
}

// What stands before a host's addresses: which of them follow, and whether it is a BMC.
const (
	savedFour = 4
	savedSix  = 8
	savedBMC  = 0x40
)

// Save writes the view so that ReadView can read it.
func (v *View) Save(to io.Writer) error {
	sum := sha256.New()
	w := &saver{bufio.NewWriterSize(io.MultiWriter(to, sum), 64<<10)}
	list, err := json.Marshal(savedNouns{v.networks.list, v.models, v.installation})
	if err != nil {
		return fault.Internalf("the networks do not encode: %w", err)
	}
	w.WriteString(savedWord)
	w.number(uint64(v.Revision))
	w.number(uint64(len(list)))
	w.Write(list)
	at := map[string]uint64{}
	for i, n := range v.networks.list {
		at[n.Name] = uint64(i + 1)
	}
	w.number(uint64(v.byMachine.Len()))
	n := 0
	v.byMachine.Scan(func(_ string, hosts []*Host) bool {
		w.machine(hosts, at)
		if n++; n%breath == 0 {
			runtime.Gosched()
		}
		return true
	})
	if err := w.Flush(); err != nil { // has the first error of all writes
		return err
	}
	_, err = to.Write(sum.Sum(nil))
	return err
}

// saver writes the parts of a saved view; errors wait in the buffer until it is flushed.
type saver struct{ *bufio.Writer }

func (w *saver) number(n uint64) { w.Write(binary.AppendUvarint(w.AvailableBuffer(), n)) }

func (w *saver) text(s string) {
	w.number(uint64(len(s)))
	w.WriteString(s)
}

// machine writes what all hosts of one have in common, then each. A name too long to be
// read again is no name of ours.
func (w *saver) machine(hosts []*Host, networks map[string]uint64) {
	h := hosts[0]
	for _, s := range []string{h.Machine, h.Name, h.UUID, h.Model, string(h.Firmware)} {
		w.text(s[:min(len(s), savedText)])
	}
	w.number(uint64(len(hosts)))
	for _, h := range hosts {
		w.Write(h.MAC[:])
		w.number(networks[h.Network])
		w.addresses(h)
	}
}

func (w *saver) addresses(h *Host) {
	var what byte
	if h.BMC {
		what = savedBMC
	}
	b := append(w.AvailableBuffer(), what)
	if h.Address.Is4() {
		a := h.Address.As4()
		what, b = what|savedFour, append(b, a[:]...)
	}
	if h.Address6.Is6() {
		a := h.Address6.As16()
		what, b = what|savedSix, append(b, a[:]...)
	}
	b[0] = what
	w.Write(b)
}

// ReadView reads a saved view. One that is damaged, cut short or of another version is
// Invalid.
func ReadView(b []byte) (*View, error) {
	body := len(b) - sha256.Size
	if body < len(savedWord) || string(b[:len(savedWord)]) != savedWord {
		return nil, fault.Invalidf("it is no boot view of this version")
	}
	if sum := sha256.Sum256(b[:body]); !bytes.Equal(sum[:], b[body:]) {
		return nil, fault.Invalidf("it is damaged: its checksum is wrong")
	}
	r := &restorer{rest: b[len(savedWord):body]}
	revision := r.number()
	nouns := r.nouns()
	hosts := r.machines(nouns.Networks)
	if r.bad || len(r.rest) > 0 {
		return nil, fault.Invalidf("it is damaged: its parts do not fit together")
	}
	return NewView(int64(revision), nouns.Networks, hosts).With(&Delta{Revision: int64(revision), Models: &nouns.Models, Installation: nouns.Installation}), nil
}

// restorer reads the parts of a saved view; once one is bad it reads only zeros.
type restorer struct {
	rest   []byte
	bad    bool
	models map[string]string // one text of each name
}

func (r *restorer) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *restorer) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.take(uint64(size))
	return n
}

func (r *restorer) text() string {
	n := r.number()
	if n > savedText {
		r.bad = true
		return ""
	}
	return string(r.take(n))
}

func (r *restorer) nouns() (out savedNouns) {
	n := r.number()
	if n > savedNetworks {
		r.bad = true
		return out
	}
	if json.Unmarshal(r.take(n), &out) != nil || slices.ContainsFunc(out.Networks, func(n *inventory.Network) bool { return n == nil || !n.Prefix.Addr().Is4() }) {
		r.bad = true
		return savedNouns{}
	}
	return out
}

func (r *restorer) machines(list []*inventory.Network) []*Host {
	var hosts []*Host
	for n := r.number(); n > 0 && !r.bad; n-- {
		m := Host{Machine: r.text(), Name: r.text(), UUID: r.text(), Model: r.text(), Firmware: inventory.Firmware(r.text())}
		m.Model = r.one(m.Model)
		if m.Firmware == inventory.BIOS { // one text for all
			m.Firmware = inventory.BIOS
		} else if m.Firmware == inventory.UEFI {
			m.Firmware = inventory.UEFI
		}
		for k := r.number(); k > 0 && !r.bad; k-- {
			hosts = append(hosts, r.host(m, list))
		}
	}
	return hosts
}

func (r *restorer) one(model string) string {
	if was, ok := r.models[model]; ok {
		return was
	}
	if r.models == nil {
		r.models = map[string]string{}
	}
	r.models[model] = model
	return model
}

func (r *restorer) host(h Host, list []*inventory.Network) *Host {
	copy(h.MAC[:], r.take(6))
	switch at := r.number(); {
	case at > uint64(len(list)):
		r.bad = true
	case at > 0:
		h.Network = list[at-1].Name
	}
	what := r.take(1)
	if r.bad || what[0]&^(savedFour|savedSix|savedBMC) != 0 {
		r.bad = true
		return &h
	}
	h.BMC = what[0]&savedBMC != 0
	if what[0]&savedFour != 0 {
		if a := r.take(4); a != nil {
			h.Address = netip.AddrFrom4([4]byte(a))
		}
	}
	if what[0]&savedSix != 0 {
		if a := r.take(16); a != nil {
			h.Address6 = netip.AddrFrom16([16]byte(a))
		}
	}
	return &h
}
