package serve

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"strings"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/tftp"
)

// OverTFTP is what loaders without HTTP ask for by TFTP: the script of their machine in the
// tongue that the name says, and below boot/k/NONCE kernels and ramdisks. Only known machines
// are answered, at their own address: a datagram proves nothing, and a stranger must not
// make us write.
type OverTFTP struct {
	Server *Server
	Port   uint16 // of our HTTP, for loaders that go on with it
}

// File implements tftp.Files.
func (o OverTFTP) File(ctx context.Context, a tftp.Ask) (*tftp.File, error) {
	if secret, file, ok := underNonce(a.Name); ok {
		return o.kernel(ctx, a, secret, file)
	}
	w, ok := boot.ParseFileName(a.Name)
	if !ok {
		return nil, nil
	}
	host := o.Server.whose(w, a.Peer)
	if host == nil {
		return nil, nil
	}
	return o.script(ctx, a, w.Tongue, host)
}

// whose machine a file is about, nil when it is not the asker's.
func (s *Server) whose(w boot.Wanted, peer netip.Addr) *boot.Host {
	v := s.View()
	at := v.HostAt(peer)
	switch {
	case at == nil || at.BMC:
		return nil
	case w.Addr.IsValid() && w.Addr != peer.WithZone(""):
		return nil
	case w.UUID != "" && v.MachineOf(w.UUID) != at.Machine && v.MachineOf(boot.Swapped(w.UUID)) != at.Machine:
		return nil
	case w.MAC == (inventory.MAC{}):
		return at
	}
	if h := v.Host(w.MAC); h != nil && h.Machine == at.Machine {
		return h
	}
	return nil
}

// script asks the handler of scripts, as the loader would by HTTP.
func (o OverTFTP) script(ctx context.Context, a tftp.Ask, tongue string, host *boot.Host) (*tftp.File, error) {
	if !a.At.IsValid() && !o.Server.Advertise.IsValid() {
		return nil, fault.Internalf("it is not known at which address we were asked")
	}
	tape := &tape{}
	copied := *o.Server
	copied.Journal, copied.paces = tape, nil
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, net.Addr(net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.At, o.Port))))
	r := (&http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/boot/script", RawQuery: host.Query(tongue).Encode()}, Header: http.Header{}, Body: http.NoBody,
		RemoteAddr: netip.AddrPortFrom(a.Peer, 1024).String()}).WithContext(ctx)
	w := &page{header: http.Header{}, status: http.StatusOK}
	copied.script(w, r)
	if w.status != http.StatusOK {
		return nil, &tftp.Refusal{Code: tftp.Denied, Reason: "refused", Told: strings.TrimSpace(w.text.String())}
	}
	f := tftp.Text(path.Base(a.Name), w.text.String())
	f.Host, f.Detail = host, map[string]any{"script": tape.event.Detail["script"]}
	return f, nil
}

// underNonce parts boot/k/NONCE/FILE.
func underNonce(name string) (secret, file string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "/"), "boot/k/")
	if !ok {
		return "", "", false
	}
	secret, file, ok = strings.Cut(rest, "/")
	return secret, file, ok && secret != ""
}

// kernel opens a kernel, a ramdisk or a part of a system for who holds its boot's nonce.
func (o OverTFTP) kernel(ctx context.Context, a tftp.Ask, secret, file string) (*tftp.File, error) {
	s := o.Server
	host, err := s.Boots.Check(ctx, secret)
	if err != nil {
		return nil, denied(err)
	}
	u, err := url.Parse(file)
	if err != nil {
		return nil, nil
	}
	name, arch := u.Path, u.Query().Get("arch")
	if part, ok := strings.CutPrefix(name, "part/"); ok && s.Systems != nil {
		f, err := s.Systems.Part(ctx, host.Operation, part)
		return o.opened(f, part, host, err, func() { o.Server.sent(host, part) })
	}
	if arch == "" {
		arch = "amd64"
	}
	if name != "vmlinuz" && name != "initrd" || arch != "amd64" && arch != "arm64" {
		return nil, nil
	}
	f, err := os.Open(path.Join(s.Ramdisks, arch, name))
	return o.opened(f, name, host, err, nil)
}

func (o OverTFTP) opened(f *os.File, name string, host *boot.Host, err error, whole func()) (*tftp.File, error) {
	if err != nil {
		return nil, denied(err)
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, fault.Internalf("%s is no file on the server", name)
	}
	return &tftp.File{Name: name, Size: info.Size(), Content: f, Host: host, Whole: whole}, nil
}

// denied is a refusal in words that a machine may read; what we failed at stays ours.
func denied(err error) error {
	switch fault.KindOf(err) {
	case fault.Denied:
		return &tftp.Refusal{Code: tftp.Denied, Reason: "denied", Told: err.Error()}
	case fault.NotFound:
		return &tftp.Refusal{Code: tftp.NotFound, Reason: "no-such-file", Told: err.Error()}
	}
	return err
}
