package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// kind is the firmware of a machine.
type kind uint8

const (
	bios    kind = iota // its loader comes by TFTP, block by block
	uefi                // by TFTP in windows of 4, as EDK II asks for
	uefiWeb             // by UEFI HTTP boot
)

// kindOf spreads the kinds: of four machines one has a BIOS, one UEFI, two boot by HTTP.
func kindOf(i int) kind { return []kind{bios, uefi, uefiWeb, uefiWeb}[i%4] }

// Firmware is how the machine of a number boots.
func Firmware(i int) inventory.Firmware { return kindOf(i).mode() }

func (k kind) mode() inventory.Firmware {
	if k == bios {
		return inventory.BIOS
	}
	return inventory.UEFI
}

// machine is one of a storm.
type machine struct {
	Client
	kind    kind
	server  netip.Addr
	relay   *stormRelay
	stage   int
	took    [stages]time.Duration
	repeats int
	err     error
}

// boot does what firmware, loader and agent do, one after the other.
func (m *machine) boot(ctx context.Context, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dial := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: m.Address.AsSlice()}}).DialContext
	plain := &http.Client{Transport: &http.Transport{DialContext: dial, DisableCompression: true, ReadBufferSize: 4 << 10}}
	defer plain.CloseIdleConnections()
	var file, next string
	var script []byte
	for stage, do := range [stages]func() error{
		func() (err error) { file, err = m.lease(ctx, false); return err },
		func() error { return m.loader(ctx, plain, file) },
		func() (err error) { next, err = m.lease(ctx, true); return err },
		func() (err error) {
			script, err = m.fetch(ctx, plain, next, "")
			return err
		},
		func() error { return m.heads(ctx, plain, string(script)) },
		func() error { return m.checkIn(ctx, dial, string(script)) },
	} {
		m.stage = stage
		began := time.Now()
		if m.err = do(); m.err != nil {
			return
		}
		m.took[stage] = time.Since(began)
	}
}

// loader fetches what firmware was told to.
func (m *machine) loader(ctx context.Context, c *http.Client, file string) error {
	if m.kind == uefiWeb {
		_, err := m.fetch(ctx, c, file, "")
		return err
	}
	window := map[kind]int{bios: 0, uefi: 4}[m.kind]
	return Download{Server: netip.AddrPortFrom(m.server, 69), From: m.Address, File: file, Block: 1456, Window: window}.one()
}

// heads fetches the first bytes of what a script loads.
func (m *machine) heads(ctx context.Context, c *http.Client, script string) error {
	for _, what := range []string{"kernel", "initrd"} {
		words := strings.Fields(lineOf(script, what))
		if len(words) < 4 {
			return fault.Internalf("the script loads no %s: %q", what, script)
		}
		if b, err := m.fetch(ctx, c, words[3], "bytes=0-65535"); err != nil || len(b) == 0 {
			return fault.Internalf("%s: %d bytes: %v", what, len(b), err)
		}
	}
	return nil
}

// lineOf is a script's first line of a command.
func lineOf(script, command string) string {
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, command+" ") {
			return line
		}
	}
	return ""
}

// Bounds of a fetch: a loader tries again by itself.
const (
	fetchTries = 4
	fetchPause = time.Second
	fetchMost  = 4 << 20
)

func (m *machine) fetch(ctx context.Context, c *http.Client, url, ranged string) (b []byte, err error) {
	for try := range fetchTries {
		if b, err = once(ctx, c, url, ranged); err == nil || ctx.Err() != nil || try == fetchTries-1 {
			break
		}
		m.repeats++
		select {
		case <-time.After(fetchPause):
		case <-ctx.Done():
		}
	}
	return b, err
}

func once(ctx context.Context, c *http.Client, url, ranged string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if ranged != "" {
		r.Header.Set("Range", ranged)
	}
	answer, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, fetchMost))
	if err == nil && answer.StatusCode >= 300 {
		err = fault.Internalf("%s: %.200s", answer.Status, b)
	}
	return b, err
}

// checkIn is the agent's first word, to the one server that its command line pins.
func (m *machine) checkIn(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), script string) error {
	values := map[string]string{}
	for _, word := range strings.Fields(lineOf(script, "kernel")) {
		if key, value, ok := strings.Cut(word, "="); ok {
			values[key] = value
		}
	}
	web := &http.Client{Transport: &http.Transport{DialContext: dial, ReadBufferSize: 4 << 10, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true,
		VerifyConnection: func(c tls.ConnectionState) error {
			if sum := sha256.Sum256(c.PeerCertificates[0].Raw); hex.EncodeToString(sum[:]) != values[wire.KeyPin] {
				return fault.Deniedf("the server's certificate is not the pinned one")
			}
			return nil
		}}}}
	defer web.CloseIdleConnections()
	body, err := json.Marshal(wire.CheckIn{Version: wire.Version, Nonce: values[wire.KeyNonce], Agent: "storm", Facts: m.facts()})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, values[wire.KeyServer]+"/agent/v1/checkin", bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := web.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, wire.MaxWelcome))
	if err != nil || answer.StatusCode != http.StatusOK {
		return fault.Internalf("%s: %.200s %v", answer.Status, text, err)
	}
	var w wire.Welcome
	if err := json.Unmarshal(text, &w); err != nil || w.Session == "" {
		return fault.Internalf("no session: %v", err)
	}
	return nil
}

// facts are those of a small machine.
func (m *machine) facts() inventory.Facts {
	return inventory.Facts{Source: "agent", Observed: time.Now().UTC(), Firmware: m.kind.mode(), MemoryMiB: 65536, System: inventory.System{Vendor: "Acme", Product: "R1", Serial: Serial(m.Client), UUID: UUID(m.Client)},
		CPUs:  []inventory.CPU{{Socket: "CPU 0", Model: "storm", Cores: 16, Threads: 32}},
		Disks: []inventory.Disk{{Path: "/dev/nvme0n1", Serial: "D" + Serial(m.Client), Model: "storm", Bytes: 1 << 40, Type: "nvme", BlockBytes: 512}},
		NICs:  []inventory.SeenNIC{{Name: "eth0", MAC: m.MAC, Driver: "storm", Mbps: 25000, Link: true}}}
}
