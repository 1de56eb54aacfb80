package api

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/store"
)

type certificateStore interface {
	// Certificates are newest first.
	Certificates(ctx context.Context, f store.CertificateFilter) ([]deploy.SignedCertificate, error)
	Certificate(ctx context.Context, id string) (*deploy.SignedCertificate, error)
}

type certificatesIn struct {
	Machine string `query:"machine" maxLength:"128" doc:"Machine id or name"`
	Disk    string `query:"disk" maxLength:"256" doc:"Serial number or WWN of the disk"`
	Limit   int    `query:"limit" default:"100" minimum:"1" maximum:"10000" doc:"At most so many"`
	BehindIn
}

type certificateIn struct {
	Certificate string `path:"certificate" minLength:"1" maxLength:"64" doc:"Certificate id"`
}

// certificates registers the erase of disks and what proves it.
func (s *server) certificates() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"certificates"}; return o }
	verb(s, "erase", "Empty the machine's disks and prove it, a certificate for each", s.toErase, func(in *wire.Erase) bool { return in.DryRun })
	route(s, tag(op("GET", "/certificates", "list-certificates", "Certificates of erased disks, newest first")), s.listCertificates)
	route(s, tag(op("GET", "/certificates/key", "certificate-key", "The key that certificates are verified with")),
		func(context.Context, *struct{}) (*body[wire.CertificateKey], error) {
			if len(s.CertificateKey) != ed25519.PublicKeySize {
				return nil, fault.NotFoundf("this server signs no certificates")
			}
			return &body[wire.CertificateKey]{wire.CertificateKey{ID: deploy.KeyID(s.CertificateKey), Key: deploy.KeyText(s.CertificateKey)}}, nil
		})
	route(s, tag(op("GET", "/certificates/{certificate}", "get-certificate", "One certificate, signed")), func(ctx context.Context, in *certificateIn) (*body[deploy.SignedCertificate], error) {
		c, err := s.Store.Certificate(ctx, in.Certificate)
		if err == nil && s.atMachine(ctx, access.Read, c.Certificate.Machine.ID) != nil {
			err = fault.NotFoundf("there is no certificate %q", in.Certificate).WithHint("'rackwright certificate list' shows them")
		}
		if err != nil {
			return nil, err
		}
		return &body[deploy.SignedCertificate]{*c}, nil
	})
}

func (s *server) toErase(ctx context.Context, machine string, in *wire.Erase, _ bool) (task, error) {
	m, err := s.Store.Machine(ctx, machine)
	return task{kind: deploy.Erase, machine: m, order: deploy.Order{Erase: &deploy.EraseOrder{Disks: in.Disks, Methods: in.Methods}}}, err
}

func (s *server) listCertificates(ctx context.Context, in *certificatesIn) (*body[wire.List[deploy.SignedCertificate]], error) {
	f := store.CertificateFilter{Disk: in.Disk}
	if in.Machine != "" {
		m, err := s.machine(ctx, in.Machine)
		if err != nil {
			return nil, err
		}
		f.Machine = m.ID
	}
	made := byTime("-ended", func(c *deploy.SignedCertificate) (time.Time, string) { return c.Certificate.Ended, c.Certificate.ID })
	return keyset(ctx, in.BehindIn, in.Limit, made, func(p store.Page) ([]deploy.SignedCertificate, error) { return s.Store.CertificatePage(ctx, f, p) })
}
