package answer

import (
	"net/netip"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"rackwright/deploy"
	"rackwright/deploy/goldentest"
	"rackwright/fault"
	"rackwright/inventory"
)

// example is a machine with two ports, one bond and one VLAN, seen by an inspection.
func example() Subject {
	networks := []inventory.Network{
		{Name: "provision", Prefix: netip.MustParsePrefix("10.77.0.0/24"), Gateway: netip.MustParseAddr("10.77.0.254"), Domain: "lab.example",
			DNS: []netip.Addr{netip.MustParseAddr("10.77.0.53")}, NTP: []netip.Addr{netip.MustParseAddr("10.77.0.123")}},
		{Name: "storage", Prefix: netip.MustParsePrefix("10.79.0.0/24"), MTU: 9000, VLAN: 79},
	}
	m := &inventory.Machine{ID: "018f0000-0000-7000-8000-000000000001", Name: "node1", Serial: "S1", UUID: "11111111-2222-3333-4444-555555555501", Arch: "amd64",
		Firmware: inventory.UEFI, Slot: &inventory.Slot{Rack: "r1", U: 10, Height: 1, Face: inventory.Front}, Labels: map[string]string{"role": "web"},
		NICs: []inventory.NIC{
			{Name: "nic1", MAC: inventory.MAC{0x52, 0x54, 0, 0x77, 0, 1}, Network: "provision", Address: netip.MustParseAddr("10.77.0.11"), Boot: true},
			{Name: "nic2", MAC: inventory.MAC{0x52, 0x54, 0, 0x77, 0, 2}, Network: "storage", Address: netip.MustParseAddr("10.79.0.11")},
		},
		Facts: &inventory.Facts{Source: "agent", Disks: []inventory.Disk{{Path: "/dev/vda", Serial: "RWDISK0001", Bytes: 3 << 30, Type: "virtual"}}}}
	return Subject{Machine: m, Networks: networks, ID: "018f0000-0000-7000-8000-0000000000aa",
		Order: deploy.Order{Image: "debian-installer", SSHKeys: []string{"ssh-ed25519 AAAA technician"}, Vars: map[string]string{}},
		URLs:  URLs{Answers: "http://10.77.0.1/boot/a/t0ken", PhoneHome: "http://10.77.0.1/phone-home/t0ken"}}
}

func TestBuiltInTemplatesMakeTheGoldenAnswers(t *testing.T) {
	for _, f := range Forms() {
		s := example()
		switch f {
		case Kickstart:
			s.Order.Vars["repo"] = "http://mirror.example/BaseOS"
		case Autoinstall:
			s.Parts = []string{"iso", "kernel", "initrd"}
		}
		d := NewData(s)
		sheet := Sheet{Form: f}
		files, err := sheet.Answers(d)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		args, err := sheet.KernelArgs(d)
		if err != nil {
			t.Errorf("%s: %v", f, err)
		}
		for _, file := range append(files, File{string(f) + ".args", args + "\n"}) {
			goldentest.Match(t, file.Name, file.Content)
		}
	}
}

func TestAMistakeInATemplateIsNamedWithItsLine(t *testing.T) {
	d := NewData(example())
	for _, c := range []struct{ name, text, want string }{
		{"an unknown field", "a\nb {{.Machine.Colour}}", "x line 2: <.Machine.Colour>: can't evaluate field Colour"},
		{"a variable nobody gave", "{{var \"site\"}}", `the variable "site" is not given`},
		{"a key that the labels lack", "\n\n{{.Machine.Labels.colour}}", "x line 3"},
		{"a variable as a field", "{{.Vars.site}}", `no entry for key "site"`},
		{"an unclosed action", "a\n{{if .Disk}}", "x line 2: unexpected EOF"},
		{"an unknown function", "{{env \"HOME\"}}", `function "env" not defined`},
		{"a barred function", "{{html \"<\"}}", `there is no function "html" here`},
		{"an include", "{{define \"a\"}}x{{end}}{{template \"a\"}}", "a template includes no other"},
		{"a part that the image lacks", "{{part \"squashfs\"}}", `the image has no part "squashfs"`},
		{"what must be known", "{{need \"the model\" .Machine.Model}}", "the model is not known"},
		{"what the template refuses", "{{fail \"no bonds\"}}", "no bonds"},
		{"a prefix that is none", "{{mask 33}}", "33 is no prefix length"},
	} {
		_, err := render("x", c.text, d)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestATemplateCanNeitherFillTheMemoryNorRunForLong(t *testing.T) {
	s := example()
	s.Order.UserData = strings.Repeat("x", 64<<10)
	d := NewData(s)
	for name, text := range map[string]string{
		"a long loop":           "{{range 1000000000}}{{end}}",
		"loops in loops":        "{{range 1000}}{{range 1000}}{{range 1000}}{{end}}{{end}}{{end}}",
		"a loop that doubles":   "{{$x := .UserData}}{{range 100}}{{$x = printf \"%s%s\" $x $x}}{{end}}",
		"a wide number":         "{{printf \"%099999d\" 1}}",
		"a width as argument":   "{{printf \"%*d\" 1000000 1}}",
		"one argument over":     "{{printf \"" + strings.Repeat("%[1]s", 12000) + "\" .UserData}}",
		"a replacement":         "{{replace \"x\" .UserData .UserData}}",
		"much output":           "{{range 100}}{{$.UserData}}{{end}}",
		"a zero byte":           "a\x00b",
		"more than a template":  strings.Repeat("x", maxTemplate+1),
		"ifs in ifs":            strings.Repeat("{{if true}}", 50) + strings.Repeat("{{end}}", 50),
		"a template in itself":  "{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}",
		"a block that includes": "{{block \"a\" .}}{{end}}",
	} {
		if out, err := render("x", text, d); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, %d bytes", name, err, len(out))
		}
	}
}

func TestADiskThatNobodySawIsAskedForAndNotGuessed(t *testing.T) {
	s := example()
	s.Machine.Facts = nil
	_, err := Sheet{Form: Preseed}.Answers(NewData(s))
	if !fault.Is(err, fault.Conflict) || !strings.Contains(fault.HintOf(err), "rackwright inspect node1") {
		t.Errorf("no facts: %v, hint %q", err, fault.HintOf(err))
	}
	s.Order.Vars["disk"] = "/dev/disk/by-path/pci-0000:00:05.0"
	if _, err := (Sheet{Form: Preseed}).Answers(NewData(s)); err != nil {
		t.Errorf("a disk that a person named: %v", err)
	}
	for _, path := range []string{"sda", "/dev/sda; reboot", "/dev/$x", "/dev/a b"} {
		s.Order.Vars["disk"] = path
		if _, err := (Sheet{Form: Preseed}).Answers(NewData(s)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestADiskIsNamedAsUdevNamesIt(t *testing.T) {
	for want, d := range map[string]inventory.Disk{
		"/dev/disk/by-id/virtio-A1":                 {Path: "/dev/vda", Serial: "A1"},
		"/dev/disk/by-id/nvme-eui.0025385b71b00001": {Path: "/dev/nvme0n1", Serial: "S", Model: "M", WWN: "eui.0025385b71b00001"},
		"/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_S1":    {Path: "/dev/nvme0n1", Serial: "S1", Model: "QEMU NVMe Ctrl"},
		"/dev/disk/by-id/wwn-0x5000c500a1b2c3d4":    {Path: "/dev/sda", Serial: "Z", Model: "ST", WWN: "naa.5000c500a1b2c3d4"},
		"/dev/disk/by-id/ata-QEMU_HARDDISK_QM1":     {Path: "/dev/sda", Serial: "QM1", Model: "QEMU HARDDISK"},
	} {
		if got, err := byID(d); err != nil || got != want {
			t.Errorf("%+v: %s, %v; want %s", d, got, err, want)
		}
	}
	if _, err := byID(inventory.Disk{Path: "/dev/sda"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a disk without a name: %v", err)
	}
}

func TestKernelArgumentsCannotBecomeTheLoadersCommands(t *testing.T) {
	d := NewData(example())
	for _, args := range []string{"quiet ; shell", "a || b", "a && b", "x=${net0/mac}", "x\x01", strings.Repeat("x ", maxArgs)} {
		if _, err := (Sheet{Form: None, Args: args}).KernelArgs(d); !fault.Is(err, fault.Invalid) {
			t.Errorf("%.30q: %v", args, err)
		}
	}
	got, err := Sheet{Form: None, Args: "quiet\n  ds=nocloud;s={{.Answers}}/\n"}.KernelArgs(d)
	if err != nil || got != "quiet ds=nocloud;s=http://10.77.0.1/boot/a/t0ken/" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestIgnitionThatIsNoneIsRefused(t *testing.T) {
	d := NewData(example())
	for _, text := range []string{"{}", "{", `{"ignition":{"version":"9.0.0"}}`, `{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"relative"}]}}`} {
		if _, err := (Sheet{Form: Ignition, Template: text}).Answer("config.ign", d); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestASheetIsCheckedWithoutAMachine(t *testing.T) {
	for name, s := range map[string]Sheet{
		"a form nobody knows":   {Form: "yast"},
		"a template, no form":   {Template: "x"},
		"a broken template":     {Form: Preseed, Template: "{{"},
		"broken arguments":      {Args: "{{nothing}}"},
		"a template and 'none'": {Form: None, Template: "x"},
	} {
		if err := s.Check(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Sheet{Form: Preseed, Template: "d-i x/{{.Machine.Name}}", Args: "quiet"}).Check(); err != nil {
		t.Error(err)
	}
}

// FuzzRender: whatever a template says, rendering ends within its bounds and a mistake is
// the author's, never ours.
func FuzzRender(f *testing.F) {
	for _, b := range Builtins() {
		text, _ := Builtin(b.Name)
		f.Add(text)
	}
	f.Add("{{range $i, $x := .SSHKeys}}{{$i}}{{break}}{{else}}{{end}}{{with $y := .Boot}}{{$y.MAC | printf \"%q\" | indent 3}}{{end}}")
	d := NewData(example())
	f.Fuzz(func(t *testing.T, text string) {
		out, err := render("x", text, d)
		if len(out) > maxOutput {
			t.Errorf("%d bytes", len(out))
		}
		if err != nil && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.Conflict {
			t.Errorf("%v", err)
		}
	})
}

func TestAnInstallerSpeaksOnTheSerialPortOfItsArchitecture(t *testing.T) {
	s := example()
	s.Machine.Arch = "arm64"
	args, err := (&Sheet{Form: Preseed}).KernelArgs(NewData(s))
	if err != nil || !strings.HasSuffix(args, " console=ttyAMA0,115200") {
		t.Errorf("%q, %v", args, err)
	}
}

// Every field a template can reach is in the list that people read.
func TestTheListOfValuesIsWhole(t *testing.T) {
	written := ""
	for _, v := range Values() {
		written += v[0] + ", "
	}
	for of, prefix := range map[reflect.Type]string{reflect.TypeFor[Data](): ".", reflect.TypeFor[Machine](): ".Machine.", reflect.TypeFor[NIC](): " .", reflect.TypeFor[Link](): " .",
		reflect.TypeFor[Disk](): ".Disk."} {
		var names []string
		for i := range of.NumField() {
			if of.Field(i).IsExported() {
				names = append(names, of.Field(i).Name)
			}
		}
		for i := range of.NumMethod() {
			names = append(names, of.Method(i).Name)
		}
		for _, name := range names {
			if !strings.Contains(written, prefix+name) {
				t.Errorf("%s%s is not in the list", prefix, name)
			}
		}
	}
}

// What reads the files elsewhere reads the golden ones here.
func TestTheGoldenAnswersAreReadByTheirReaders(t *testing.T) {
	for _, c := range [][]string{{"debconf-set-selections", "--checkonly", "testdata/preseed.cfg"}, {"sh", "-n", "testdata/late.sh"}} {
		t.Run(c[0], func(t *testing.T) {
			if _, err := exec.LookPath(c[0]); err != nil {
				t.Skipf("needs %s: apt-get install debconf", c[0])
			}
			if out, err := exec.CommandContext(t.Context(), c[0], c[1:]...).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v: %v\n%s", c, err, out)
			}
		})
	}
	for _, f := range []inventory.Firmware{inventory.BIOS, inventory.UEFI} {
		s := example()
		s.Machine.Firmware, s.Parts = f, []string{"iso"}
		text, err := Sheet{Form: Autoinstall}.Answer("user-data", NewData(s))
		if err != nil {
			t.Fatal(err)
		}
		var read struct {
			Autoinstall struct {
				Network struct{ Version int }
				Storage struct{ Config []map[string]any }
			}
		}
		if err := yaml.Unmarshal([]byte(text), &read); err != nil || read.Autoinstall.Network.Version != 2 || len(read.Autoinstall.Storage.Config) < 5 {
			t.Errorf("%s: %v\n%s", f, err, text)
		}
	}
}
