package apitest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackwright/deploy"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/store"
)

// page cuts a part out of a list as the real store does, by texts that sort as the keys do.
func page[T any](list []T, p store.Page, turned bool, key func(T) []string) []T {
	way := 1
	if p.Sort != "" {
		turned = strings.HasPrefix(p.Sort, "-")
	}
	if turned {
		way = -1
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b T) int { return way * slices.Compare(key(a), key(b)) })
	if p.After != nil {
		list = slices.DeleteFunc(list, func(v T) bool { return way*slices.Compare(key(v), p.After) <= 0 })
	}
	return list[:min(len(list), cmp.Or(p.Limit, 1000))]
}

func at(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func since(v time.Time, id string) []string { return []string{at(v), id} }

// RackPage lists a part of the racks.
func (s *Store) RackPage(ctx context.Context, p store.Page) ([]inventory.Rack, error) {
	list, err := s.Racks(ctx)
	return page(list, p, false, func(r inventory.Rack) []string { return []string{r.Name} }), err
}

// DevicePage lists a part of the devices.
func (s *Store) DevicePage(ctx context.Context, rack string, p store.Page) ([]inventory.Device, error) {
	list, err := s.Devices(ctx, rack)
	return page(list, p, false, func(d inventory.Device) []string { return []string{d.Name} }), err
}

// ImagePage lists a part of the images.
func (s *Store) ImagePage(ctx context.Context, p store.Page) ([]images.Image, error) {
	list, err := s.Images(ctx)
	return page(list, p, false, func(i images.Image) []string {
		if strings.HasSuffix(p.Sort, "created") {
			return []string{at(i.CreatedAt), i.Name}
		}
		return []string{i.Name}
	}), err
}

// LeasePage lists a part of the leases.
func (s *Store) LeasePage(ctx context.Context, f store.LeaseFilter, p store.Page) ([]inventory.Lease, error) {
	list, err := s.Leases(ctx)
	list = slices.DeleteFunc(slices.Clone(list), func(l inventory.Lease) bool {
		return f.Network != "" && l.Network != f.Network || !f.MAC.IsZero() && l.MAC != f.MAC
	})
	return page(list, p, false, func(l inventory.Lease) []string { return []string{l.Network, l.Address.String()} }), err
}

// CertificatePage lists a part of the certificates.
func (s *Store) CertificatePage(ctx context.Context, f store.CertificateFilter, p store.Page) ([]deploy.SignedCertificate, error) {
	list, err := s.Certificates(ctx, f)
	return page(list, p, true, func(c deploy.SignedCertificate) []string { return []string{at(c.Certificate.Ended), c.Certificate.ID} }), err
}

// kept is what became of requests with a key.
type kept map[string]*store.Once

// BeginOnce takes a key.
func (s *Store) BeginOnce(_ context.Context, o store.Once) (*store.Once, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	if s.kept == nil {
		s.kept = kept{}
	}
	name := fmt.Sprintf("%q %q", o.Caller, o.Key)
	if was := s.kept[name]; was != nil {
		c := *was
		c.Broken = c.Broken || !c.Done && c.Holder != o.Holder
		return &c, nil
	}
	s.kept[name] = &o
	return nil, nil
}

// EndOnce keeps an answer.
func (s *Store) EndOnce(_ context.Context, o store.Once) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.Done = true
	s.kept[fmt.Sprintf("%q %q", o.Caller, o.Key)] = &o
	return nil
}

// DropOnce gives a key back.
func (s *Store) DropOnce(_ context.Context, o store.Once) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, fmt.Sprintf("%q %q", o.Caller, o.Key))
	return nil
}

// BreakOnce leaves a key that says so.
func (s *Store) BreakOnce(_ context.Context, o store.Once) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.Broken = true
	s.kept[fmt.Sprintf("%q %q", o.Caller, o.Key)] = &o
	return nil
}
