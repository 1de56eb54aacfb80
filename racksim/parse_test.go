package racksim

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
)

func TestTheExampleRackFileIsGood(t *testing.T) {
	text, err := os.ReadFile("../docs/examples/racksim-two.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rack, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	m := rack.Machines[0]
	if m.Disks[0].Size != 4<<30 || m.BMC.Address != "10.78.0.11:443" || !m.NICs[0].Boots() || m.UUID == "" {
		t.Errorf("read as %+v", m)
	}
}

// minimal is a rack file with a hole for what a test gets wrong.
func minimal(rest string) string {
	return `{rack: r1, bridge: {name: br0}, machines: [{name: n1, u: 1, bmc: {address: 10.0.0.1}` + rest + `}]}`
}

func TestRackFileMistakesAreNamed(t *testing.T) {
	second := `}, {name: n2, u: 2, bmc: {address: 10.0.0.2}`
	for _, c := range []struct{ what, text, want string }{
		{"empty file", "", "empty"},
		{"no YAML", "\t:", "rack file"},
		{"two documents", minimal("") + "\n---\n{}", "more than one"},
		{"unknown key", minimal(", memroy: 5"), "memroy"},
		{"no machines", "{rack: r1}", "machines: the rack is empty"},
		{"delay of qemu", minimal(", delay: 1s"), "machines[0].delay: only scripted"},
		{"fault of qemu", minimal(", fault: no-dhcp"), "machines[0].fault: only scripted"},
		{"keep of qemu", minimal(", keep: true"), "machines[0].keep: only scripted"},
		{"unknown fault", minimal(", kind: scripted, fault: fire"), "no-dhcp, agent-silent, no-phone-home, wrong-disk"},
		{"long delay", minimal(", kind: scripted, delay: 1h"), "machines[0].delay"},
		{"no delay", minimal(", kind: scripted, delay: fast"), "fast"},
		{"nic without relay", minimal(`, kind: scripted, nics: [{mac: "52:54:00:00:00:01"}]`), "names no relay"},
		{"relay", "{relay: {listen: here}, " + minimal("")[1:], "relay.listen"},
		{"relay on the server", "{relay: {listen: 10.0.0.1, server: 10.0.0.1}, " + minimal("")[1:], "namespace of its own"},
		{"rack name", minimal(", rack: R 1"), "machines[0].rack"},
		{"unknown kind", minimal(", kind: real"), `machines[0].kind: "real"`},
		{"firmware", minimal(", firmware: coreboot"), "machines[0].firmware"},
		{"architecture", minimal(", arch: riscv64"), `machines[0].arch: "riscv64" is not amd64 or arm64`},
		{"arm64 with a BIOS", minimal(", arch: arm64, firmware: bios"), "machines[0].firmware: bios is not to be had on arm64: use uefi"},
		{"scripted arm64", minimal(", arch: arm64, kind: scripted"), "machines[0].kind: scripted is not to be had on arm64: use qemu"},
		{"AHCI on arm64", minimal(", arch: arm64, disks: [{size: 1GiB, bus: ahci}]"), "machines[0].disks[0].bus: ahci is not to be had on arm64: use virtio, nvme, scsi"},
		{"a ROM for x86", minimal(`, arch: arm64, nics: [{mac: "52:54:00:00:00:01", model: e1000e}]`), "machines[0].nics[0].model: e1000e is not to be had on arm64: use virtio-net-pci"},
		{"Secure Boot on arm64", minimal(", arch: arm64, secure_boot: true"), "machines[0].secure_boot: is not to be had on arm64"},
		{"authorities on arm64", minimal(", arch: arm64, https_ca: /ca.pem"), "machines[0].https_ca: is not to be had on arm64"},
		{"memory", minimal(", memory: 1"), "machines[0].memory"},
		{"power", minimal(", power: maybe"), "machines[0].power"},
		{"boot class", minimal(", boot: [usb]"), "machines[0].boot[0]"},
		{"size", minimal(", disks: [{size: 2Gb}]"), "no unit known"},
		{"bus", minimal(", disks: [{size: 2GiB, bus: floppy}]"), "machines[0].disks[0].bus"},
		{"disk serial", minimal(", disks: [{size: 2GiB, serial: 123456789012345678901}]"), "machines[0].disks[0].serial"},
		{"wwn on virtio", minimal(`, disks: [{size: 2GiB, wwn: "0x5000c50000000001"}]`), "only ahci and scsi"},
		{"mac", minimal(", nics: [{mac: nope}]"), "machines[0].nics[0].mac"},
		{"multicast mac", minimal(`, nics: [{mac: "01:00:5e:00:00:01"}]`), "multicast"},
		{"mac twice", minimal(`, nics: [{mac: "52:54:00:00:00:01"}, {mac: "52-54-00-00-00-01"}]`), "used already by machines[0].nics[0].mac"},
		{"name twice", minimal(strings.Replace(second, "n2", "n1", 1)), "name n1 is used already"},
		{"unit twice", minimal(strings.Replace(second, "u: 2", "u: 1", 1)), "unit r1/1 is used already"},
		{"bmc twice", minimal(strings.Replace(second, "0.2", "0.1", 1)), "bmc address 10.0.0.1:443 is used already"},
		{"outside the rack", minimal(", height: 43"), "machines[0].u"},
		{"uuid", minimal(", uuid: abc"), "machines[0].uuid"},
		{"bmc host name", `{rack: r1, machines: [{name: n1, u: 1, bmc: {address: host.example}}]}`, "machines[0].bmc.address"},
		{"nic without bridge", `{rack: r1, machines: [{name: n1, u: 1, nics: [{mac: "52:54:00:00:00:01"}], bmc: {address: 10.0.0.1}}]}`, "names no bridge"},
	} {
		_, err := Parse([]byte(c.text))
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want Invalid with %q", c.what, err, c.want)
		}
	}
}

func TestMachinesOfOneFileMayStandInManyRacks(t *testing.T) {
	rack, err := Parse([]byte(`{rack: r1, delay: 50ms, machines: [{name: n1, u: 1, bmc: {address: "127.0.0.1:9001"}},
		{name: n2, rack: r2, u: 1, kind: scripted, bmc: {address: "127.0.0.1:9002"}}, {name: n3, rack: r2, u: 2, kind: scripted, delay: 1s, bmc: {address: "127.0.0.1:9003"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	m := rack.Machines
	if m[0].Rack != "r1" || m[1].Rack != "r2" || m[0].Delay != 0 || m[1].Delay != 50*time.Millisecond || m[2].Delay != time.Second {
		t.Errorf("read as %+v", m)
	}
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	_, err := Parse([]byte(minimal(", memory: 1, cpus: 99, firmware: x")))
	var f *fault.Error
	if !errors.As(err, &f) || len(f.Fields) != 3 {
		t.Errorf("got %v", err)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "512": 512, "2GiB": 2 << 30, "1 TiB": 1 << 40, "500MB": 500e6, "3KiB": 3072} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "GiB", "-1", "1.5GiB", "1PiB", "9999999TiB"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%s: accepted as %d", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(minimal(`, nics: [{mac: "52:54:00:00:00:01"}], disks: [{size: 2GiB}]`))
	f.Add("{rack: r1}")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		rack, err := Parse([]byte(text))
		if err == nil && len(rack.Machines) == 0 {
			t.Error("a rack without machines passed")
		}
	})
}

func TestWhatABMCIsToDoWrongIsChecked(t *testing.T) {
	rack, err := Parse([]byte(`{rack: r1, machines: [{name: n1, u: 1, fans: [{name: F1, failed: true}], psus: [{input: failed}], dimms: [{size: 1024, health: warning}],
		bmc: {address: 127.0.0.1, expired: true, lockout: 3, restart: 1s, clock: -48h, latency: 50ms, faults: [{kind: hang, times: 2}]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if b := rack.Machines[0].BMC; !b.Expired || b.Lockout != 3 || b.Restart != time.Second || b.Clock != -48*time.Hour || len(b.Faults) != 1 {
		t.Errorf("read as %+v", b)
	}
	for _, c := range []struct{ extra, field string }{
		{"fans: [{name: F1}, {name: F1}], bmc: {address: 127.0.0.1}", "fans[1].name"},
		{"psus: [{input: tired}], bmc: {address: 127.0.0.1}", "psus[0].input"},
		{"dimms: [{size: 1, health: poor}], bmc: {address: 127.0.0.1}", "dimms[0].health"},
		{"bmc: {address: 127.0.0.1, lockout: -1}", "bmc.lockout"},
		{"bmc: {address: 127.0.0.1, restart: 1h}", "bmc.restart"},
		{"bmc: {address: 127.0.0.1, latency: -1s}", "bmc.latency"},
		{"bmc: {address: 127.0.0.1, faults: [{kind: sulk}]}", "bmc.faults[0]"},
	} {
		_, err := Parse([]byte("{rack: r1, machines: [{name: n1, u: 1, " + c.extra + "}]}"))
		var f *fault.Error
		if !errors.As(err, &f) || len(f.Fields) != 1 || !strings.HasSuffix(f.Fields[0].Path, c.field) {
			t.Errorf("%s: %v", c.extra, err)
		}
	}
}
