package apitest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Images lists images in the order they came.
func (s *Store) Images(context.Context) ([]images.Image, error) {
	unlock, err := s.lock()
	defer unlock()
	return slices.Clone(s.image), err
}

// Image returns an image by id or name.
func (s *Store) Image(_ context.Context, name string) (*images.Image, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	for _, i := range s.image {
		if i.ID == name || i.Name == name {
			return &i, nil
		}
	}
	return nil, fault.NotFoundf("there is no image %q", name).WithHint("'rackwright image list' shows them")
}

// AddImage is Conflict when the name is taken by another digest.
func (s *Store) AddImage(_ context.Context, img *images.Image, actor string) error {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return err
	}
	for _, i := range s.image {
		if i.Name == img.Name && i.Digest == img.Digest {
			*img = i
			return nil
		}
		if i.Name == img.Name {
			return fault.Conflictf("image %s exists with digest %s", i.Name, i.Digest)
		}
	}
	img.ID, img.Kind, img.CreatedAt = s.id("image"), cmp.Or(img.Kind, images.KindDisk), s.now()
	s.image = append(s.image, *img)
	s.append(journal.Event{Kind: journal.ImageAdded, Actor: actor, Summary: "image " + img.Name + " added"})
	return nil
}

// RemoveImage is Conflict while an operation needs the image.
func (s *Store) RemoveImage(ctx context.Context, name, _ string) (*images.Image, error) {
	img, err := s.Image(ctx, name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.ops {
		if o.Order.Digest == img.Digest && !o.State.Ended() {
			return nil, fault.Conflictf("image %s is being deployed", img.Name)
		}
	}
	s.image = slices.DeleteFunc(s.image, func(i images.Image) bool { return i.ID == img.ID })
	return img, nil
}

// CreateOperation queues an operation.
func (s *Store) CreateOperation(_ context.Context, kind deploy.Kind, machine string, order deploy.Order, actor string) (*deploy.Operation, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	m, err := s.machine(machine)
	if err != nil {
		return nil, err
	}
	steps, err := deploy.Plan(kind, deploy.Subject{Machine: *m, Order: order})
	if err != nil {
		return nil, err
	}
	for _, o := range s.ops {
		if o.Machine == m.ID && !o.State.Ended() && (kind == deploy.Locate) == (o.Kind == deploy.Locate) {
			return nil, fault.Conflictf("%s has an open %s: operation %s", m.Name, o.Kind, o.ID).WithHint("wait for it, or 'rackwright operation cancel %s'", o.ID)
		}
	}
	o := deploy.Operation{ID: s.id("op"), Kind: kind, Machine: m.ID, Name: m.Name, State: deploy.Queued, Steps: steps, Order: order,
		Actor: actor, Created: s.now(), Updated: s.now(), Version: 1}
	s.ops = append(s.ops, o)
	s.append(journal.Event{Kind: journal.OpState, Machine: m.ID, Name: m.Name, Operation: o.ID, Actor: actor, Summary: string(kind) + " queued"})
	return &o, nil
}

// CreateOperations queues all or none.
func (s *Store) CreateOperations(ctx context.Context, list []store.Work, actor string) (out []*deploy.Operation, failed int, err error) {
	s.mu.Lock()
	ops, event := slices.Clone(s.ops), slices.Clone(s.event)
	s.mu.Unlock()
	for i, w := range list {
		o, err := s.CreateOperation(ctx, w.Kind, w.Machine, w.Order, actor)
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ops, s.event = ops, event
			return nil, i, err
		}
		out = append(out, o)
	}
	return out, 0, nil
}

// Operation returns an operation.
func (s *Store) Operation(_ context.Context, id string) (*deploy.Operation, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	o, err := s.operation(id)
	if err != nil {
		return nil, err
	}
	c := *o
	c.Steps = slices.Clone(o.Steps)
	return &c, nil
}

func (s *Store) operation(id string) (*deploy.Operation, error) {
	for i := range s.ops {
		if s.ops[i].ID == id {
			return &s.ops[i], nil
		}
	}
	return nil, fault.NotFoundf("there is no operation %q", id).WithHint("'rackwright operation list' shows them")
}

// Operations lists operations, newest first.
func (s *Store) Operations(_ context.Context, f store.OperationFilter) ([]deploy.Operation, error) {
	unlock, err := s.lock()
	defer unlock()
	var out []deploy.Operation
	for _, o := range slices.Backward(s.ops) {
		if (len(f.States) == 0 || slices.Contains(f.States, string(o.State))) && (f.Machine == "" || f.Machine == o.Machine || f.Machine == o.Name) && (len(f.Kinds) == 0 || slices.Contains(f.Kinds, string(o.Kind))) && (f.Rack == "" || s.stands(o.Machine, f.Rack)) &&
			(!f.Open || !o.State.Ended()) {
			o.Steps = slices.Clone(o.Steps)
			out = append(out, o)
		}
	}
	f.Page.Limit = cmp.Or(f.Limit, 10000)
	return page(out, f.Page, true, func(o deploy.Operation) []string { return []string{at(o.Created), o.ID} }), err
}

// Move lets a test play the worker: it alters an operation and says so in the journal.
func (s *Store) Move(id, summary string, f func(*deploy.Operation)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.operation(id)
	if err != nil {
		panic(err)
	}
	s.move(o, summary, f)
}

func (s *Store) move(o *deploy.Operation, summary string, f func(*deploy.Operation)) {
	o.Steps = slices.Clone(o.Steps)
	f(o)
	o.Version++
	s.append(journal.Event{Kind: journal.OpStep, Machine: o.Machine, Name: o.Name, Operation: o.ID, Summary: summary})
}

// CancelOperation ends an operation at once.
func (s *Store) CancelOperation(_ context.Context, id, _ string) (*deploy.Operation, error) {
	return s.turn(id, func(o *deploy.Operation) error {
		if o.State.Ended() {
			return fault.Conflictf("operation %s has ended: it is %s", o.ID, o.State)
		}
		o.State, o.Finished = deploy.Cancelled, s.now()
		return nil
	})
}

// RetryOperation lets a parked operation go on.
func (s *Store) RetryOperation(_ context.Context, id, _ string) (*deploy.Operation, error) {
	return s.turn(id, func(o *deploy.Operation) error {
		if o.State != deploy.Parked {
			return fault.Conflictf("operation %s is %s, not parked", o.ID, o.State)
		}
		o.State, o.Reason, o.Message, o.Hint = deploy.Running, "", "", ""
		return nil
	})
}

func (s *Store) turn(id string, f func(*deploy.Operation) error) (*deploy.Operation, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	o, err := s.operation(id)
	if err != nil {
		return nil, err
	}
	if err := f(o); err != nil {
		return nil, err
	}
	s.move(o, string(o.State), func(*deploy.Operation) {})
	c := *o
	return &c, nil
}

// Events lists events.
func (s *Store) Events(_ context.Context, f store.EventFilter) ([]journal.Event, error) {
	unlock, err := s.lock()
	defer unlock()
	var out []journal.Event
	for _, e := range s.event {
		if e.ID > f.After && (f.Until == 0 || e.ID <= f.Until) && (f.Machine == "" || f.Machine == e.Machine) && (f.Operation == "" || f.Operation == e.Operation) {
			out = append(out, e)
		}
	}
	if f.Newest {
		slices.Reverse(out)
	}
	if f.Limit > 0 && len(out) > f.Limit {
		out = out[:f.Limit]
	}
	return out, err
}

// Record appends an event and wakes who waits.
func (s *Store) Record(e journal.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, err := s.machine(e.Name); err == nil {
		e.Machine = m.ID
	}
	s.append(e)
}

func (s *Store) append(e journal.Event) {
	e.ID, e.At = int64(len(s.event)+1), s.now()
	s.event = append(s.event, e)
	for c := range s.subs {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// NewEvents signals appended events.
func (s *Store) NewEvents() (<-chan struct{}, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := make(chan struct{}, 1)
	s.subs[c] = true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subs, c)
	}
}

// Listeners is how many wait for events.
func (s *Store) Listeners() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.subs)
}

// Importer reads an image to its end and calls it amd64 for both boot modes. First, when
// set, is called with the first bytes, before the rest is read.
type Importer struct{ First func([]byte) }

// Import hashes the stream.
func (i Importer) Import(_ context.Context, r io.Reader, o images.ImportOrder, _ func(done, total int64), record func(*images.Image) error) (*images.Image, error) {
	hash, head := sha256.New(), make([]byte, 4)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	if i.First != nil {
		i.First(head[:n])
	}
	hash.Write(head[:n])
	rest, err := io.Copy(hash, r)
	if err != nil {
		return nil, err
	}
	got := hex.EncodeToString(hash.Sum(nil))
	if o.SHA256 != "" && o.SHA256 != got {
		return nil, fault.Invalidf("the file has SHA-256 %s, not %s", got, o.SHA256).WithHint("fetch the file again")
	}
	size := int64(n) + rest
	img := &images.Image{Name: o.Name, Kind: o.Kind, Digest: "sha256:" + got, Source: "sha256:" + got, Format: "raw", Arch: "amd64",
		Firmware: []inventory.Firmware{inventory.BIOS, inventory.UEFI}, Bytes: size, Stored: size}
	return img, record(img)
}
