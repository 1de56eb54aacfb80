package main

import "rackwright/boot"

// bootURL is where machines reach the boot server, as far as the configuration says: ""
// where that depends on the interface a machine is behind.
func (s *server) bootURL() string {
	port, err := portOf(s.cfg.HTTP.Listen)
	if err != nil || !s.shelf.public.IsValid() {
		return ""
	}
	return boot.BaseURL(s.shelf.public, port)
}
