package run

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"rackwright/fault"
	"rackwright/integration/porttest"
	"rackwright/inventory/plan"
	"rackwright/racksim"
	"rackwright/racksim/qemu"
)

// diskless is a rack of machines without NICs, which needs neither root nor a bridge.
func diskless(t *testing.T, dir, password string, addresses ...string) (*Rack, error) {
	t.Helper()
	text := "{rack: r1, machines: ["
	for i, a := range addresses {
		text += fmt.Sprintf("{name: n%d, u: %d, firmware: bios, bmc: {address: %q, password: %q}}, ", i+1, i+1, a, password)
	}
	rack, err := racksim.Parse([]byte(text + "]}"))
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Rack: rack, StateDir: dir, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
}

// up runs the rack until the test ends or down is called.
func up(t *testing.T, r *Rack) (down func()) {
	t.Helper()
	if _, err := exec.LookPath(qemu.Binary); err != nil {
		t.Skip("needs QEMU: apt-get install qemu-system-x86")
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	select {
	case <-r.Ready():
	case err := <-done:
		cancel()
		t.Fatal(err)
	}
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// get asks the BMC who pins its certificate.
func get(t *testing.T, b Bay, password string) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			sum := sha256.Sum256(s.PeerCertificates[0].Raw)
			if hex.EncodeToString(sum[:]) != b.Fingerprint {
				return fmt.Errorf("the certificate is not the one announced")
			}
			return nil
		},
	}}}
	r, err := http.NewRequest("GET", b.URL+"/redfish/v1/Systems/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(b.Username, password)
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestEveryMachineAnswersWithItsOwnCertificateAndPassword(t *testing.T) {
	r, err := diskless(t, t.TempDir(), "", porttest.FreeAddress(t), porttest.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	defer up(t, r)()
	bays := r.Bays()
	if bays[0].Fingerprint == bays[1].Fingerprint {
		t.Error("two BMCs share a certificate")
	}
	var passwords []string
	for _, b := range bays {
		text, err := os.ReadFile(b.PasswordFile)
		if err != nil {
			t.Fatal(err)
		}
		if info, _ := os.Stat(b.PasswordFile); info.Mode().Perm() != 0o600 {
			t.Errorf("password file has mode %o", info.Mode().Perm())
		}
		passwords = append(passwords, strings.TrimSpace(string(text)))
	}
	if got := get(t, bays[0], passwords[0]); got != 200 {
		t.Errorf("own password: %d", got)
	}
	if got := get(t, bays[0], passwords[1]); got != 401 {
		t.Errorf("the other's password: %d", got)
	}
}

func TestSecretsAreKeptFromOneStartToTheNext(t *testing.T) {
	dir, address := t.TempDir(), porttest.FreeAddress(t)
	first, err := diskless(t, dir, "", address)
	if err != nil {
		t.Fatal(err)
	}
	again, err := diskless(t, dir, "", address)
	if err != nil {
		t.Fatal(err)
	}
	if first.bays[0].spec.BMC.Password != again.bays[0].spec.BMC.Password || first.bays[0].fingerprint != again.bays[0].fingerprint {
		t.Error("password or certificate changed")
	}
	given, err := diskless(t, dir, "from the file", address)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(given.Bays()[0].PasswordFile); string(text) != "from the file\n" {
		t.Errorf("password file holds %q", text)
	}
}

func TestSecondStartOnTheSameStateIsRefused(t *testing.T) {
	dir := t.TempDir()
	r, err := diskless(t, dir, "", porttest.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	defer up(t, r)()
	other, err := diskless(t, dir, "", porttest.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Run(t.Context()); !fault.Is(err, fault.Conflict) {
		t.Errorf("second start: %v", err)
	}
}

func TestTakenPortIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r, err := diskless(t, t.TempDir(), "", taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	err = r.Run(t.Context())
	if fault.Is(err, fault.NotFound) {
		t.Skip(err)
	}
	if !fault.Is(err, fault.Unreachable) || !strings.Contains(err.Error(), "n1") || fault.HintOf(err) == "" {
		t.Errorf("%v, hint %q", err, fault.HintOf(err))
	}
}

func TestPlanIsOneTheInventoryAccepts(t *testing.T) {
	text, err := os.ReadFile("../../docs/examples/racksim-two.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rack, err := racksim.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Rack: rack, StateDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Plan()
	if err != nil {
		t.Fatal(err)
	}
	// The command that applies a plan replaces the file's name with its content.
	withSecrets := regexp.MustCompile(`password_file: .*`).ReplaceAll(out, []byte("password: secret"))
	dec := yaml.NewDecoder(bytes.NewReader(withSecrets))
	dec.KnownFields(true)
	var p plan.Plan
	if err := dec.Decode(&p); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p.Networks = []plan.Network{{Name: "provision", CIDR: "10.77.0.0/24"}}
	wanted, err := p.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	m := wanted.Machines[1]
	if m.Serial != "RS0002" || m.RootDisk.Serial != "DISK0002" || m.BMC.CertificateSHA256 != r.Bays()[1].Fingerprint {
		t.Errorf("planned %+v", m)
	}
	if c := m.NICs[0].Cable; c == nil || c.To.String() != "leaf-1:Ethernet2" {
		t.Errorf("cabled to %+v", c)
	}
	if len(wanted.Devices) != 1 || wanted.Devices[0].Name != "leaf-1" || len(wanted.Devices[0].Ports) != 2 {
		t.Errorf("devices %+v", wanted.Devices)
	}
}
