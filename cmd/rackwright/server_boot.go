package main

import (
	"net"
	"path/filepath"
	"time"

	"github.com/go-chi/chi/v5"

	agentserve "rackwright/agent/serve"
	"rackwright/boot"
	bootserve "rackwright/boot/serve"
	"rackwright/boot/trace"
	"rackwright/dhcp/listen"
	"rackwright/inventory"
)

// bootURL is where machines reach the boot server, as far as the configuration says: ""
// where that depends on the interface a machine is behind.
func (s *server) bootURL() string {
	port, err := portOf(s.cfg.HTTP.Listen)
	if err != nil || !s.shelf.public.IsValid() {
		return ""
	}
	return boot.BaseURL(s.shelf.public, port)
}

// probeWait is how long DHCP waits for whoever uses an address; negative: it does not ask.
func (s *server) probeWait() time.Duration {
	if s.cfg.DHCP.ProbeMS == 0 {
		return -1
	}
	return time.Duration(s.cfg.DHCP.ProbeMS) * time.Millisecond
}

// traced is what keeps the last DHCP packets, nil when the configuration gives it no memory.
func (s *server) traced() listen.Tracer {
	if !s.cfg.DHCP.Enabled || s.cfg.DHCP.TraceMiB == 0 {
		return nil
	}
	s.packets = trace.New(s.cfg.DHCP.TraceMiB, func(mac inventory.MAC) bool { return s.view.View().Host(mac) != nil })
	return s.packets
}

// addHTTPS serves the loaders, and no more, to firmware that holds the boot authority. It
// returns the port, 0 where the configuration names none.
func (s *server) addHTTPS(files *bootserve.Server) (uint16, error) {
	listen := s.cfg.Boot.HTTPSListen
	if listen == "" || !s.cfg.HTTP.Enabled {
		return 0, nil
	}
	port, err := portOf(listen)
	if err != nil {
		return 0, err
	}
	host, _, _ := net.SplitHostPort(listen) // checked with the configuration
	certs := &certificates{own: bootOwn(), dir: s.cfg.StateDir, names: func() []string { return ownNames(host, s.cfg.PublicHost) }, log: s.log, now: time.Now, every: 5 * time.Second}
	if err := certs.look(); err != nil {
		return 0, err
	}
	ca, err := certs.own.authority(s.cfg.StateDir, time.Now())
	if err != nil {
		return 0, err
	}
	s.bootCA = ca.Leaf
	loaders := chi.NewRouter()
	files.LoaderRoutes(loaders)
	srv := bootserve.NewHTTP(listen, loaders, s.log)
	doubt := &agentserve.Doubt{View: s.view.View, Leases: s.db, Journal: s.words, Now: time.Now, Boot: true}
	srv.ConnState = doubt.ConnState
	s.add(true, certs)
	s.add(true, s.whenDeclared(&web{name: "https boot", log: s.log, most: mostMachines, each: mostOfOne, srv: srv, tls: certs.forFirmware(), wire: doubt.Listener}))
	return port, nil
}

// loaders are the built-in ones and those of the operator's folder.
func (s *server) loaders() (*boot.Loaders, error) {
	shelf, err := boot.NewLoaders().With(s.cfg.Boot.LoaderDir)
	if err != nil {
		return nil, err
	}
	for _, l := range shelf.Unsigned() {
		s.log.Warn("a loader carries no signature: firmware with Secure Boot on refuses it", "file", filepath.Join(s.cfg.Boot.LoaderDir, l.Name), "hint", "docs/running/secure-boot.md")
	}
	return shelf, nil
}
