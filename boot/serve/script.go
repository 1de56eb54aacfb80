package serve

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"rackwright/agent/wire"
	"rackwright/boot"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// isUUID reports whether s is a system UUID as loaders print it, in lower case.
func isUUID(s string) bool {
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == 36
}

// asker is who asks for a script, from the query.
type asker struct {
	mac      inventory.MAC
	uuid     string
	arch     string // amd64 or arm64
	firmware inventory.Firmware
	format   string // name of the tongue, "" for iPXE
	tongue   boot.Tongue
}

// parseAsker reads mac, uuid, arch and platform; the values are those of iPXE's
// settings ${mac}, ${uuid}, ${buildarch} and ${platform}.
func parseAsker(q url.Values) (a asker, err error) {
	if a.mac, err = inventory.ParseMAC(q.Get("mac")); err != nil {
		return a, err
	}
	if a.uuid = strings.ToLower(q.Get("uuid")); a.uuid != "" && !isUUID(a.uuid) {
		return a, fault.Invalidf("uuid is not a system UUID")
	}
	a.format = q.Get("format")
	if a.tongue = boot.TongueNamed(a.format); a.tongue == nil {
		return a, fault.Invalidf("format is not ipxe, grub or pxelinux")
	}
	switch q.Get("arch") {
	case "", "amd64", "x86_64", "i386": // a BIOS loader is an i386 program on an amd64 machine
		a.arch = "amd64"
	case "arm64":
		a.arch = "arm64"
	default:
		return a, fault.Invalidf("arch is neither x86_64 nor arm64")
	}
	switch q.Get("platform") {
	case "":
	case "pcbios":
		a.firmware = inventory.BIOS
	case "efi":
		a.firmware = inventory.UEFI
	default:
		return a, fault.Invalidf("platform is neither pcbios nor efi")
	}
	return a, nil
}

func (a asker) clientArch() boot.Arch {
	switch {
	case a.firmware == inventory.BIOS:
		return boot.ArchBIOS
	case a.arch == "arm64":
		return boot.ArchARM64
	case a.firmware == inventory.UEFI:
		return boot.ArchX64
	}
	return boot.ArchUnknown
}

// script answers what this machine does next. A machine that should run the agent gets
// a nonce; it is not given to a peer that is not at an address of the machine (rightful).
func (s *Server) script(w http.ResponseWriter, r *http.Request) {
	who, err := parseAsker(r.URL.Query())
	at, ok := s.reached(r)
	if err != nil || !ok {
		s.refuse(w, r, s.View().HostAt(peer(r)), "bad script request", err)
		return
	}
	view := s.View()
	host := view.Host(who.mac)
	if host == nil {
		if host, err = s.stranger(r, view, who); fault.Is(err, fault.Denied) {
			s.refuse(w, r, nil, "script", err)
			return
		} else if err != nil {
			s.later(w, r, nil, who, "the server cannot tell who this machine is", err)
			return
		}
	}
	if host != nil && host.Intent != boot.RunAgent && s.Newest != nil { // another server may just have been given an operation
		view = s.Newest(r.Context())
		host = cmp.Or(view.Host(who.mac), host)
	}
	switch {
	case host == nil:
		s.say(w, r, &boot.Host{MAC: who.mac}, "stranger", who.tongue.Stranger(who.mac))
	case host.Intent != boot.RunAgent:
		s.say(w, r, host, "local-disk", who.tongue.LocalDisk(host.Name, firmwareOf(who, host)))
	default:
		if err := s.rightful(r, view, host); fault.Is(err, fault.Denied) {
			s.refuse(w, r, host, "script", err)
			return
		} else if err != nil {
			s.later(w, r, host, who, "the server cannot tell whose address this is", err)
			return
		}
		s.run(w, r, host, who, boot.BaseURL(at.Addr(), at.Port()), "https://"+netip.AddrPortFrom(at.Addr(), s.AgentPort).String())
	}
}

// grub is the script in GRUB's tongue under the names that GRUB tries, as by TFTP.
func (s *Server) grub(w http.ResponseWriter, r *http.Request) {
	wanted, ok := boot.ParseFileName("grub/" + chi.URLParam(r, "file"))
	host := s.whose(wanted, peer(r))
	if !ok || host == nil {
		s.refuse(w, r, s.View().HostAt(peer(r)), "configuration of GRUB", fault.NotFoundf("no such configuration for this address"))
		return
	}
	asked := r.Clone(r.Context())
	asked.URL = &url.URL{Path: "/boot/script", RawQuery: host.Query(wanted.Tongue).Encode()}
	s.script(w, asked)
}

// stranger records a machine nobody planned and asks whether it is to be inspected.
func (s *Server) stranger(r *http.Request, v *boot.View, who asker) (*boot.Host, error) {
	sight := boot.Sighting{At: s.Now(), Source: "http", MAC: who.mac, UUID: who.uuid, Arch: who.clientArch(), Class: boot.IPXE, Address: peer(r)}
	if n := v.NetworkOf(peer(r)); n != nil {
		sight.Network = n.Name
	}
	if err := s.rightful(r, v, &boot.Host{Name: who.mac.String(), MAC: who.mac}); err != nil {
		if fault.Is(err, fault.Denied) && !v.Discovers(sight.Network) {
			return nil, nil // nothing would be run for it
		}
		return nil, err
	}
	return s.Strangers.Script(r.Context(), sight)
}

// other is the known machine that holds the peer's address when it is not this one.
func (s *Server) other(r *http.Request, host *boot.Host) *boot.Host {
	if at := s.View().HostAt(peer(r)); at != nil && at.MAC != host.MAC && at.Machine != host.Machine {
		return at
	}
	return nil
}

func (s *Server) runAgent(w http.ResponseWriter, r *http.Request, host *boot.Host, who asker, base, agentURL string) {
	nonce, err := s.Boots.Begin(r.Context(), host)
	if err != nil {
		s.later(w, r, host, who, "the server cannot open a boot for this machine", err)
		return
	}
	args := []string{
		wire.KeyBootIf + "=01-" + strings.ReplaceAll(host.MAC.String(), ":", "-"),
		wire.KeyServer + "=" + agentURL, wire.KeyPin + "=" + s.AgentPin, wire.KeyNonce + "=" + nonce, s.Args,
	}
	s.say(w, r, host, "agent", who.tongue.Agent(host, boot.Agent{Files: base + "/boot/k/" + nonce, Arch: who.arch, Args: args}))
}

// later keeps the machine asking.
func (s *Server) later(w http.ResponseWriter, r *http.Request, host *boot.Host, who asker, reason string, err error) {
	s.Log.Warn("boot: "+reason, "mac", who.mac, "error", err)
	if host == nil {
		host = &boot.Host{MAC: who.mac}
	}
	at, _ := s.reached(r)
	next := boot.Client{Class: boot.IPXE, Arch: who.clientArch(), MAC: who.mac, UUID: who.uuid}.Script(boot.BaseURL(at.Addr(), at.Port()))
	if who.format != "" {
		next += "&format=" + who.format
	}
	s.say(w, r, host, "retry", who.tongue.Retry(who.mac, reason, next))
}

// say sends a script and records which one.
func (s *Server) say(w http.ResponseWriter, r *http.Request, host *boot.Host, which, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	began := s.Now()
	n, err := io.WriteString(w, text)
	e, told := s.event(journal.HTTPSent, r, host)
	if !told {
		return
	}
	e.Summary = fmt.Sprintf("script %q sent", which)
	e.Detail["file"], e.Detail["script"], e.Detail["bytes"] = "script", which, n
	e.Detail["ms"], e.Detail["aborted"] = s.Now().Sub(began).Milliseconds(), err != nil
	if o := s.other(r, host); o != nil {
		e.Detail["peer_is"] = o.Name
		e.Summary += ", asked from the address of " + o.Name
	}
	s.Journal.Record(e)
}

func firmwareOf(who asker, h *boot.Host) inventory.Firmware {
	if who.firmware != "" {
		return who.firmware
	}
	return h.Firmware
}
