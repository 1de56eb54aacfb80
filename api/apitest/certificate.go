package apitest

import (
	"context"
	"slices"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/store"
)

// AddCertificate keeps a certificate, as the worker does.
func (s *Store) AddCertificate(_ context.Context, c *deploy.SignedCertificate) error {
	unlock, err := s.lock()
	defer unlock()
	s.proofs = append([]deploy.SignedCertificate{*c}, s.proofs...)
	return err
}

// Certificates are newest first.
func (s *Store) Certificates(_ context.Context, f store.CertificateFilter) ([]deploy.SignedCertificate, error) {
	unlock, err := s.lock()
	defer unlock()
	out := slices.DeleteFunc(slices.Clone(s.proofs), func(c deploy.SignedCertificate) bool {
		is := c.Certificate
		return f.Machine != "" && is.Machine.ID != f.Machine || f.Disk != "" && is.Disk.Serial != f.Disk && is.Disk.WWN != f.Disk
	})
	return out, err
}

// Certificate returns one.
func (s *Store) Certificate(ctx context.Context, id string) (*deploy.SignedCertificate, error) {
	all, err := s.Certificates(ctx, store.CertificateFilter{})
	for i := range all {
		if all[i].Certificate.ID == id {
			return &all[i], err
		}
	}
	if err == nil {
		err = fault.NotFoundf("there is no certificate %q", id).WithHint("'rackwright certificate list' shows them")
	}
	return nil, err
}
