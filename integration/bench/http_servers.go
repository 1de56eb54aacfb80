package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rackwright/boot"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/blob"
	"rackwright/images/ticket"
	"rackwright/integration/bench/load"
	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/seal"
	"rackwright/store"
)

// Where the servers listen, on loopback.
const (
	webOurs     = "127.0.0.1:8081"
	webAgents   = "127.0.0.1:8444"
	webPeer     = "127.0.0.1:8082"
	webPeersTLS = "127.0.0.1:8445"
)

// webWorld is what is served: chunks of an image, a ramdisk and scripts.
type webWorld struct {
	chunks                 []string // that have the full size
	chunk                  int64
	ticket, session, nonce string
	clients                []load.Client
	script, agent          string // what was answered: a script to the disk, and one to the agent
}

// webConfig is the configuration of our server: all of it but DHCP, TFTP and the worker,
// which would change what the machines are told.
const webConfig = `state_dir = %q
[api]
listen = %q
[dhcp]
enabled = false
[tftp]
enabled = false
[worker]
enabled = false
[http]
listen = %q
[agent]
listen = %q
[boot]
ramdisk_dir = %q
[log]
level = "warn"
`

// webHall makes the database, the images and the files of our server, before it starts.
func webHall(ctx context.Context, dir string) (*webWorld, error) {
	w := &webWorld{clients: planned(webMachines)}
	state := filepath.Join(dir, "state")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, err
	}
	key, err := seal.Load(filepath.Join(state, "seal.key"))
	if err != nil {
		return nil, err
	}
	w.ticket = ticket.New(key.Signer(ticket.Purpose), ticket.Ticket{Holder: "bench", Until: time.Now().Add(time.Hour)})
	if err := os.MkdirAll(filepath.Join(dir, "ramdisk", "amd64"), 0o755); err != nil {
		return nil, err
	}
	for name, size := range map[string]int64{"vmlinuz": 1 << 20, "initrd": webImage} {
		if err := randomFile(filepath.Join(dir, "ramdisk", "amd64", name), size); err != nil {
			return nil, err
		}
	}
	if err := partitioned(ctx, filepath.Join(dir, "ramdisk", "amd64", "initrd")); err != nil {
		return nil, err
	}
	digest, err := w.image(ctx, filepath.Join(state, "images"), filepath.Join(dir, "ramdisk", "amd64", "initrd"))
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Options{DSN: filepath.Join(state, "rackwright.db"), Sealer: key})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := w.fill(ctx, db, digest); err != nil {
		return nil, err
	}
	text := fmt.Sprintf(webConfig, state, "unix:"+filepath.Join(dir, "api.sock"), webOurs, webAgents, filepath.Join(dir, "ramdisk"))
	return w, os.WriteFile(filepath.Join(dir, "rackwright.toml"), []byte(text), 0o600)
}

// partitioned makes random bytes a disk: one system partition, which could be anything.
func partitioned(ctx context.Context, path string) error {
	cmd := exec.CommandContext(ctx, "sfdisk", "--quiet", "--no-reread", path)
	cmd.Stdin = strings.NewReader("label: gpt\ntype=uefi\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fault.Internalf("sfdisk: %w: %s", err, out).WithHint("apt-get install fdisk")
	}
	return nil
}

// randomFile writes a file that nothing makes smaller.
func randomFile(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, rand.Reader, size)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// image brings the bytes in as an image, and notes which chunks it has.
func (w *webWorld) image(ctx context.Context, dir, file string) (digest string, err error) {
	s, err := blob.Open(dir)
	if err != nil {
		return "", err
	}
	got, err := s.ImportFile(ctx, file, blob.Options{})
	if err != nil {
		return "", err
	}
	text, err := s.Manifest(got.Digest)
	if err != nil {
		return "", err
	}
	m, err := images.DecodeManifest(text, got.Digest)
	if err != nil {
		return "", err
	}
	for _, c := range m.Chunks {
		if c.Packed > w.chunk {
			w.chunk, w.chunks = c.Packed, nil
		}
		if c.Packed == w.chunk {
			w.chunks = append(w.chunks, c.Blob)
		}
	}
	return got.Digest, nil
}

// fill declares the machines. The first is to load the agent; the agent of the second has
// checked in and writes the image.
func (w *webWorld) fill(ctx context.Context, db *store.DB, digest string) error {
	if _, err := db.ApplyPlan(ctx, planOf(w.clients), "", "bench"); err != nil {
		return err
	}
	if err := db.AddImage(ctx, &images.Image{Name: "bench", Digest: digest, Arch: "amd64", Firmware: []inventory.Firmware{inventory.UEFI}}, "bench"); err != nil {
		return err
	}
	first, err := db.CreateOperation(ctx, deploy.Inspect, "m0", deploy.Order{}, "bench")
	if err != nil {
		return err
	}
	if w.nonce, err = db.Begin(ctx, &boot.Host{Operation: first.ID, MAC: w.clients[0].MAC}); err != nil {
		return err
	}
	second, err := db.CreateOperation(ctx, deploy.Deploy, "m1", deploy.Order{Image: "bench", Digest: digest}, "bench")
	if err != nil {
		return err
	}
	spent, err := db.Begin(ctx, &boot.Host{Operation: second.ID, MAC: w.clients[1].MAC})
	if err != nil {
		return err
	}
	_, w.session, err = db.Redeem(ctx, spent)
	return err
}

func scriptPath(c load.Client) string {
	return fmt.Sprintf("/boot/script?mac=%s&uuid=4c4c4544-0042-3010-8051-%012x&arch=x86_64&platform=efi", mac(c), c.MAC[:])
}

// webCases are what is fetched; the paths of nginx are of files as large.
func webCases(w *webWorld) []webCase {
	var chunks, secret, still, scripts, files []string
	for _, c := range w.chunks {
		chunks, secret, still = append(chunks, "/chunks/"+c), append(secret, "/agent/v1/chunk/"+c), append(still, "/c/"+c)
	}
	for i, c := range w.clients[2:] {
		scripts, files = append(scripts, scriptPath(c)), append(files, fmt.Sprintf("/s/%d", i))
	}
	image := func(server string, tls bool, size int64, header string, paths ...string) load.Web {
		return load.Web{Server: server, TLS: tls, Paths: paths, Header: header, Size: size, Clients: webClients, For: webTime}
	}
	small := func(server string, paths ...string) load.Web {
		return load.Web{Server: server, Paths: paths, Clients: webCrowd, For: webTime}
	}
	return []webCase{
		{"http.ramdisk", perSecond, image(webOurs, false, webImage, "", "/boot/k/"+w.nonce+"/initrd"), image(webPeer, false, webImage, "", "/initrd")},
		{"http.chunks", perSecond, image(webOurs, false, w.chunk, "Authorization: Bearer "+w.ticket, chunks...), image(webPeer, false, w.chunk, "", still...)},
		{"http.tls", perSecond, image(webAgents, true, w.chunk, "Authorization: Bearer "+w.session, secret...), image(webPeersTLS, true, w.chunk, "", still...)},
		{"http.script", perRequest, small(webOurs, scripts...), small(webPeer, files...)},
		{"http.nonce", perRequest, small(webOurs, scriptPath(w.clients[0])), small(webPeer, "/agent")},
	}
}

// startWeb starts our server as a user would and waits for its scripts.
func startWeb(ctx context.Context, b *bench, dir string, w *webWorld) (*process, error) {
	bin, err := filepath.Abs(filepath.Join(b.bin, "rackwright"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(bin); err != nil {
		return nil, fault.NotFoundf("%s is missing", bin).WithHint("'make build' builds it")
	}
	p, err := startProcess(ctx, dir, nil, bin, "serve", "--config", filepath.Join(dir, "rackwright.toml"))
	if err != nil {
		return nil, err
	}
	err = lab.Until(ctx, 30*time.Second, "our scripts", func() (bool, error) {
		var err error
		if w.script, err = fetchText("http://" + webOurs + scriptPath(w.clients[2])); err == nil {
			w.agent, err = fetchText("http://" + webOurs + scriptPath(w.clients[0]))
		}
		return err == nil, p.alive()
	})
	if err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

func fetchText(url string) (string, error) {
	r, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err == nil && r.StatusCode != http.StatusOK {
		err = fault.Internalf("%s", r.Status)
	}
	return string(text), err
}
