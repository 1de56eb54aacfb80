package qemu

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/journal"
)

// Debian's own netboot installer, of the package debian-installer-12-netboot-amd64.
const installerDir = "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64"

// What the environment says: where the test's files were put before it entered its
// namespaces, and whether the whole installation, which takes long, is asked for.
const (
	mirrorSocket = "RACKWRIGHT_LAB_MIRROR"
	wholeInstall = "RACKWRIGHT_INSTALL"
)

// openMirror answers, from outside of the lab's namespaces, what the installer inside asks
// of the mirror that apt uses here. The lab has no way out but this socket; where it cannot
// be made, the tests that need it skip.
func openMirror() (stop func()) {
	dir, err := os.MkdirTemp("", "mirror")
	if err != nil {
		return func() {}
	}
	socket := filepath.Join(dir, "socket")
	l, err := net.Listen("unix", socket)
	if err != nil {
		return func() { os.RemoveAll(dir) }
	}
	base, _ := url.Parse(aptMirror())
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0), Handler: &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(base) }}}
	go s.Serve(l)
	os.Setenv(mirrorSocket, socket)
	return func() { s.Close(); os.RemoveAll(dir) }
}

// aptMirror is the mirror that apt fetches the installer's package from.
func aptMirror() string {
	out, _ := exec.Command("apt-get", "--print-uris", "-y", "download", "debian-installer-12-netboot-amd64").Output()
	if m := regexp.MustCompile(`'(https?://[^']+)/pool/`).FindSubmatch(out); m != nil {
		return string(m[1])
	}
	return "http://deb.debian.org/debian"
}

// mirror is the client of that socket, and the address inside the lab where machines reach
// the same.
func mirror(t *testing.T) (*http.Client, string) {
	t.Helper()
	socket := os.Getenv(mirrorSocket)
	if socket == "" {
		t.Skip("no mirror was opened for the lab")
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	transport := &http.Transport{DialContext: dial}
	l, err := net.Listen("tcp", lab.Server+":0")
	check(t, err)
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: &httputil.ReverseProxy{Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "mirror"})
			r.Out.URL.Path = strings.TrimPrefix(r.In.URL.Path, "/debian")
		}}}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return &http.Client{Transport: transport, Timeout: 2 * time.Minute}, l.Addr().String()
}

// fetch gets a file of the mirror; "" when the mirror does not have it.
func fetch(t *testing.T, c *http.Client, path string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://mirror/"+path, nil)
	check(t, err)
	answer, err := c.Do(r)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return ""
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, 64<<20))
	check(t, err)
	return string(b)
}

// installer inspects a machine and adds the Debian installer as an image.
func installer(t *testing.T, ctx context.Context, w *lab.World, machine string, parts ...string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(installerDir, "linux")); err != nil {
		t.Skip("missing Debian's installer: apt-get install debian-installer-12-netboot-amd64")
	}
	args := []string{"image", "add", "installer", "--kind", "netboot", "--answers", "preseed",
		"--part", "kernel=" + filepath.Join(installerDir, "linux"), "--part", "initrd=" + filepath.Join(installerDir, "initrd.gz")}
	for _, p := range parts {
		args = append(args, "--part", p)
	}
	command(t, ctx, w, args...)
	op, err := w.Client.Inspect(ctx, machine)
	check(t, err)
	until(t, ctx, w, op.ID, "inspected", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	switchedOff(t, ctx, w, machine) // a boot override that is set while it restarts would be used up
}

// unpacked is a preseed file by which Debian's installer brings a disk image from the
// server: the way that works where a mirror lacks the installer's own packages.
const unpacked = `d-i debian-installer/locale string C.UTF-8
d-i preseed/early_command string set -e; trap 'test $? = 0 || wget -q -O /dev/null {{.Failed}}?why=early' EXIT; \
wget -q -O /tmp/m.udeb {{sh (part "modules.udeb")}}; udpkg --unpack /tmp/m.udeb; depmod -a; modprobe virtio_blk; udevadm settle; \
disk="$(readlink -f {{sh .Disk.Path}})"; test -b "$disk"; echo "installer writes $disk" > /dev/console; \
wget -q -O - {{sh (part "system.raw")}} | dd of="$disk" bs=1M; sync; wget -q -O /dev/null {{sh .Done}}; trap - EXIT; reboot -f
`

// diskFilledByDebiansInstaller: Debian's installer is loaded by the machine's own firmware
// and our script, fetches the answers that were rendered for this machine, finds the disk by
// its name, fills it and no other, says that it is done and restarts; the machine then boots
// what is on its disk and is not installed again.
func diskFilledByDebiansInstaller(t *testing.T, ctx context.Context, w *lab.World, name string) {
	client, _ := mirror(t)
	module := fetch(t, client, kernelModules(t, client))
	if module == "" {
		t.Skip("the mirror has no modules for this installer's kernel")
	}
	file := filepath.Join(t.TempDir(), "modules.udeb")
	check(t, os.WriteFile(file, []byte(module), 0o644))
	installer(t, ctx, w, name, "modules.udeb="+file, "system.raw="+filepath.Join(cache(), "images", "debian.raw"))

	if out, err := w.Command(ctx, "deploy", name, "--image", "installer", "--answers", template(t, "{{var \"site\"}}"), "--dry-run").CombinedOutput(); err == nil ||
		!strings.Contains(string(out), `the variable "site" is not given`) {
		t.Errorf("a variable that is missing is said before anything boots: %v\n%s", err, out)
	}
	preview := command(t, ctx, w, "preview", name, "--image", "installer", "--answers", template(t, unpacked))
	if !strings.Contains(preview, "/dev/disk/by-id/virtio-RWDISK0001") || !strings.Contains(preview, "/part/kernel initrd=initrd auto=true") {
		t.Errorf("the preview does not show what the machine would get:\n%s", preview)
	}
	op, err := w.Client.Deploy(ctx, name, wire.Deploy{Image: "installer", Answers: unpacked, Vars: map[string]string{"args": "ipv6.disable=1"}})
	check(t, err)
	done := until(t, ctx, w, op.ID, "installed", func(o deploy.Operation) bool { return o.At(deploy.StepPhone) })
	if done.Turn != 0 {
		t.Errorf("it started over %d times", done.Turn)
	}
	if err := lab.Until(ctx, 5*time.Minute, "up from its disk", func() (bool, error) { return strings.Contains(console(t, w, name), "login:"), nil }); err != nil {
		t.Fatalf("%v\n%s\n%s", err, lab.Tail(w.ConsoleLog(name), 30), timeline(ctx, w, name))
	}
	if text := console(t, w, name); !strings.Contains(text, "installer writes /dev/vda") {
		t.Errorf("the console does not say which disk was written:\n%s", lab.Tail(w.ConsoleLog(name), 30))
	}
	scripts := scriptsOf(t, ctx, w, name, op.Created)
	if scripts["system"] != 1 || scripts["local-disk"] < 1 {
		t.Errorf("its loader was told %v: the installer is to be started once, then its own disk", scripts)
	}
	command(t, ctx, w, "operation", "cancel", op.ID)
}

// scriptsOf counts what a machine's loader was told since a time.
func scriptsOf(t *testing.T, ctx context.Context, w *lab.World, machine string, since time.Time) map[string]int {
	t.Helper()
	counts := map[string]int{}
	check(t, lab.Until(ctx, 10*time.Second, "a whole timeline", func() (bool, error) {
		events, err := w.Client.Timeline(ctx, machine, 1000)
		clear(counts)
		for _, e := range events {
			if which, ok := e.Detail["script"].(string); ok && e.Kind == journal.HTTPSent && e.At.After(since) {
				counts[which]++
			}
		}
		return counts["local-disk"] > 0, err
	}))
	return counts
}

func template(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "answers")
	check(t, os.WriteFile(file, []byte(text), 0o644))
	return file
}

// kernelModules is the mirror's package with the disk drivers of the installer's kernel.
func kernelModules(t *testing.T, c *http.Client) string {
	t.Helper()
	release := installerKernel(t)
	packages := unxz(t, fetch(t, c, "dists/bookworm/main/debian-installer/binary-amd64/Packages.xz"))
	m := regexp.MustCompile(`(?m)^Filename: (\S*/scsi-modules-` + regexp.QuoteMeta(release) + `-di_\S+\.udeb)$`).FindStringSubmatch(packages)
	if m == nil {
		t.Skipf("the mirror knows no modules of the installer's kernel %s", release)
	}
	return m[1]
}

// installerKernel is the release of the installer's kernel: the boot protocol's header
// says where its text stands (kernel documentation, x86/boot, kernel_version).
func installerKernel(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(installerDir, "linux"))
	if os.IsNotExist(err) {
		t.Skip("missing Debian's installer: apt-get install debian-installer-12-netboot-amd64")
	}
	check(t, err)
	at := int(b[0x20e]) + int(b[0x20f])<<8 + 0x200
	release, _, _ := strings.Cut(string(b[at:at+64]), " ")
	return release
}

func unxz(t *testing.T, packed string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "xz", "-dc")
	c.Stdin = strings.NewReader(packed)
	out, err := c.Output()
	check(t, err)
	return string(out)
}

// The whole of Debian's installation by the built-in answers, from the mirror that apt
// uses here. It takes long under emulation, and needs a mirror that has the installer's
// own packages: RACKWRIGHT_INSTALL=1 asks for it, with a TIMEOUT of an hour.
func TestDebianIsInstalledFromAMirrorByTheBuiltInAnswers(t *testing.T) {
	if os.Getenv(wholeInstall) == "" {
		t.Skip("long: RACKWRIGHT_INSTALL=1 go test -timeout 1h ./integration/qemu -run BuiltInAnswers")
	}
	client, address := mirror(t)
	packages := unxz(t, fetch(t, client, "dists/bookworm/main/debian-installer/binary-amd64/Packages.xz"))
	for _, name := range []string{"apt-mirror-setup", "debootstrap-udeb", "partman-target"} {
		m := regexp.MustCompile(`(?m)^Filename: (\S*/` + name + `_\S+\.udeb)$`).FindStringSubmatch(packages)
		if m == nil || fetch(t, client, m[1]) == "" {
			t.Skipf("the mirror %s lacks the installer's package %s", aptMirror(), name)
		}
	}
	w, ctx := world(t, []lab.Node{{Name: "node1", Firmware: inventory.BIOS, Disks: []string{"{size: 4GiB, serial: RWDISK0001, bus: virtio}"}}})
	installer(t, ctx, w, "node1")
	ctx = t.Context()
	began := time.Now()
	op, err := w.Client.Deploy(ctx, "node1", wire.Deploy{Image: "installer", SSHKeys: []string{sshKey},
		Vars: map[string]string{"mirror": address, "services": "", "kernel": "linux-image-cloud-amd64"}})
	check(t, err)
	check(t, lab.Until(ctx, 50*time.Minute, "installed and home", func() (bool, error) {
		o, err := w.Client.Operation(ctx, op.ID)
		if o.State == deploy.Parked || o.State == deploy.Failed {
			return false, fmt.Errorf("%s: %s\n%s", o.Reason, o.Message, lab.Tail(w.ConsoleLog("node1"), 40))
		}
		return o.State == deploy.Succeeded, err
	}))
	t.Logf("Debian installed itself in %s", time.Since(began).Round(time.Second))
}
