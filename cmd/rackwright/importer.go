package main

import (
	"time"

	"rackwright/images/proof"
	catalogue "rackwright/images/run"
)

// addCatalogue makes the door that images come in by, and the task that brings them.
func (s *server) addCatalogue() error {
	keys, err := proof.Load(s.cfg.Images.TrustedKeys)
	if err != nil {
		return err
	}
	s.door = &catalogue.Door{Records: s.db, Blobs: s.blobs, Keys: keys, Strict: s.cfg.Images.RequireSignature}
	s.add(s.cfg.API.Enabled || s.cfg.Worker.Enabled, s.whenKnown(&catalogue.Task{Door: s.door, Store: s.db, Log: s.log, Now: time.Now, Owner: owner(),
		Dirs: s.cfg.Images.ImportDirs, Registry: s.cfg.Images.RegistryAuth})...)
	return nil
}
