package boot

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/inventory"
)

var update = flag.Bool("update", false, "write the golden scripts anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update writes it anew\n--- got\n%s--- want\n%s", name, got, want)
	}
}

func exampleAgent() Agent {
	return Agent{Files: "http://10.0.0.1:8080/boot/k/n0nce", Args: []string{"BOOTIF=01-52-54-00-77-00-01", "rackwright.server=https://10.0.0.1:8443", "quiet"}}
}

func TestScriptsReadAsTheGoldenFilesSay(t *testing.T) {
	mac := inventory.MAC{0x52, 0x54, 0, 0x77, 0, 1}
	h := &Host{Name: "r1-u10", MAC: mac, Intent: RunAgent}
	golden(t, "local-disk-bios.ipxe", LocalDiskScript("r1-u10", inventory.BIOS))
	golden(t, "local-disk-uefi.ipxe", LocalDiskScript("r1-u10", inventory.UEFI))
	golden(t, "agent.ipxe", AgentScript(h, exampleAgent()))
	golden(t, "stranger.ipxe", StrangerScript(mac))
	golden(t, "installer.ipxe", SystemScript(h, System{Name: "debian-installer", Kernel: "kernel", Initrds: []string{"initrd"},
		Args: "auto=true preseed/url=http://10.0.0.1:8080/boot/a/t0ken/preseed.cfg ds=nocloud;s=x/ ---"}, "http://10.0.0.1:8080/boot/k/n0nce/part"))
	golden(t, "live.ipxe", SystemScript(h, System{Name: "live", Kernel: "kernel", Initrds: []string{"initrd", "initrd.firmware"}}, "http://10.0.0.1:8080/boot/k/n0nce/part"))
}

func TestNothingInAScriptCanBecomeACommand(t *testing.T) {
	h := &Host{Name: "evil\nreboot ${x} && shell || x; y", MAC: inventory.MAC{2}}
	a := exampleAgent()
	a.Args = []string{"quiet\nshell"}
	system := System{Name: h.Name, Kernel: "kernel", Args: "quiet\nshell ; shell || ${x} #"}
	for _, s := range []string{AgentScript(h, a), LocalDiskScript(h.Name, inventory.UEFI), SystemScript(h, system, "http://10.0.0.1/k")} {
		for i, line := range strings.Split(s, "\n") {
			if strings.HasPrefix(line, "shell") || (i < 2 && strings.ContainsAny(line, "$|&;")) {
				t.Errorf("line %q", line)
			}
		}
	}
}

func TestTheAgentSpeaksOnTheSerialConsole(t *testing.T) {
	for arch, last := range map[string]string{"": "ttyS0", "amd64": "ttyS0", "arm64": "ttyAMA0"} {
		a := exampleAgent()
		a.Arch = arch
		line := a.commandLine()
		if at := strings.LastIndex(line, "console="); !strings.HasPrefix(line[at:], "console="+last+",115200 ") || !strings.Contains(line, "console=tty0 ") {
			t.Errorf("%q: %s", arch, line)
		}
	}
}
