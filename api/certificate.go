package api

import (
	"context"
	"crypto/ed25519"

	"github.com/danielgtaylor/huma/v2"

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
	Limit   int    `query:"limit" default:"100" minimum:"1" maximum:"10000" doc:"The newest so many"`
}

type certificateIn struct {
	Certificate string `path:"certificate" minLength:"1" maxLength:"64" doc:"Certificate id"`
}

// certificates registers the erase of disks and what proves it.
func (s *server) certificates() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"certificates"}; return o }
	route(s, s.action("erase", "Empty the machine's disks and prove it, a certificate for each"), func(ctx context.Context, in *struct {
		MachineIn
		Body wire.Erase
	}) (*begun, error) {
		m, err := s.Store.Machine(ctx, in.Machine)
		if err != nil {
			return nil, err
		}
		return s.start(ctx, deploy.Erase, m, deploy.Order{Erase: &deploy.EraseOrder{Disks: in.Body.Disks, Methods: in.Body.Methods}}, in.Body.DryRun)
	})
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
		if err != nil {
			return nil, err
		}
		return &body[deploy.SignedCertificate]{*c}, nil
	})
}

func (s *server) listCertificates(ctx context.Context, in *certificatesIn) (*body[wire.List[deploy.SignedCertificate]], error) {
	f := store.CertificateFilter{Disk: in.Disk, Limit: in.Limit}
	if in.Machine != "" {
		m, err := s.Store.Machine(ctx, in.Machine)
		if err != nil {
			return nil, err
		}
		f.Machine = m.ID
	}
	return listOf(s.Store.Certificates(ctx, f))
}
