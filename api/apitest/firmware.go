package apitest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"sync"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/inventory"
	"rackwright/store"
)

// flashing is the part of a Store that knows firmware.
type flashing struct {
	files []firmware.File
}

// FirmwareFiles lists the catalogue by name.
func (s *Store) FirmwareFiles(context.Context) ([]firmware.File, error) {
	unlock, err := s.lock()
	defer unlock()
	out := slices.Clone(s.flash.files)
	slices.SortFunc(out, func(a, b firmware.File) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// FirmwareFile returns a file of the catalogue.
func (s *Store) FirmwareFile(ctx context.Context, name string) (*firmware.File, error) {
	files, err := s.FirmwareFiles(ctx)
	for i := range files {
		if files[i].Name == name {
			return &files[i], err
		}
	}
	if err == nil {
		err = fault.NotFoundf("there is no firmware file %q", name).WithHint("'rackwright firmware list' shows them")
	}
	return nil, err
}

// AddFirmware is Conflict when the name is taken.
func (s *Store) AddFirmware(ctx context.Context, f *firmware.File, _ string) error {
	if old, err := s.FirmwareFile(ctx, f.Name); err == nil && old.Digest == f.Digest {
		*f = *old
		return nil
	} else if err == nil {
		return fault.Conflictf("firmware file %s exists, with digest %s or described otherwise", f.Name, old.Digest)
	}
	unlock, err := s.lock()
	defer unlock()
	f.Created = s.now()
	s.flash.files = append(s.flash.files, *f)
	return err
}

// RemoveFirmware is Conflict while an operation needs the file.
func (s *Store) RemoveFirmware(ctx context.Context, name, _ string) (*firmware.File, error) {
	f, err := s.FirmwareFile(ctx, name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.ops {
		if !o.State.Ended() && o.Order.Firmware != nil && slices.ContainsFunc(o.Order.Firmware.Files, func(p firmware.Pick) bool { return p.File == name }) {
			return nil, fault.Conflictf("firmware file %s is being put on %s", name, o.Name).WithHint("wait for operation %s", o.ID)
		}
	}
	s.flash.files = slices.DeleteFunc(s.flash.files, func(f firmware.File) bool { return f.Name == name })
	return f, nil
}

// FirmwareMachines says what decides on machines' firmware.
func (s *Store) FirmwareMachines(ctx context.Context, f store.MachineFilter) ([]firmware.Machine, error) {
	list, err := s.Machines(ctx, f)
	if err != nil {
		return nil, err
	}
	out := []firmware.Machine{}
	for i := range list {
		m, _, err := s.FirmwareMachine(ctx, list[i].ID)
		if err != nil {
			return nil, err
		}
		out = append(out, *m)
	}
	return out, nil
}

// FirmwareMachine says it of one.
func (s *Store) FirmwareMachine(ctx context.Context, name string) (*firmware.Machine, *inventory.Machine, error) {
	m, err := s.Machine(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	seen, err := s.Observations(ctx, []string{m.ID})
	if err != nil {
		return nil, nil, err
	}
	models, err := s.Models(ctx)
	if err != nil {
		return nil, nil, err
	}
	var model *inventory.Model
	for i := range models {
		if models[i].Name == m.Model {
			model = &models[i]
		}
	}
	out := firmware.Of(m, model, seen[m.ID])
	open, err := s.Operations(ctx, store.OperationFilter{Machine: m.ID, Kinds: []string{string(deploy.Firmware)}, Open: true})
	if len(open) > 0 {
		out.Busy = open[0].ID
	}
	return &out, m, err
}

// Shelf keeps the bytes of firmware files in memory: their digests.
type Shelf struct {
	mu   sync.Mutex
	have map[string]bool
}

// Put reads the file and compares its digest.
func (f *Shelf) Put(_ context.Context, r io.Reader, want string) (string, int64, error) {
	sum := sha256.New()
	n, err := io.Copy(sum, r)
	digest := hex.EncodeToString(sum.Sum(nil))
	if err == nil && want != "" && want != digest {
		err = fault.Invalidf("the file has digest sha256:%s, expected sha256:%s", digest, want).WithHint("fetch it again, or correct the expected digest")
	}
	if err != nil {
		return "", 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.have == nil {
		f.have = map[string]bool{}
	}
	f.have["sha256:"+digest] = true
	return "sha256:" + digest, n, nil
}

// Has reports whether the bytes are there.
func (f *Shelf) Has(digest string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.have[digest]
}

// Forget drops them.
func (f *Shelf) Forget(_ context.Context, digest string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.have, digest)
	return nil
}
