package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"rackwright/api/wire"
	"rackwright/deploy"
)

// Erase begins to empty a machine's disks.
func (c *Client) Erase(ctx context.Context, machine string, e wire.Erase) (deploy.Operation, error) {
	e.DryRun = false
	return call[deploy.Operation](ctx, c, http.MethodPost, machinePath(machine, "/actions/erase"), nil, e)
}

// PlanErase says which steps an erase would take.
func (c *Client) PlanErase(ctx context.Context, machine string, e wire.Erase) (wire.Steps, error) {
	e.DryRun = true
	return call[wire.Steps](ctx, c, http.MethodPost, machinePath(machine, "/actions/erase"), nil, e)
}

// Certificates lists certificates, newest first; an empty machine or disk is any.
func (c *Client) Certificates(ctx context.Context, machine, disk string, limit int) ([]deploy.SignedCertificate, error) {
	l, err := call[wire.List[deploy.SignedCertificate]](ctx, c, http.MethodGet, "/certificates", query("machine", machine, "disk", disk, "limit", strconv.Itoa(limit)), nil)
	return l.Items, err
}

// Certificate returns one certificate.
func (c *Client) Certificate(ctx context.Context, id string) (deploy.SignedCertificate, error) {
	return call[deploy.SignedCertificate](ctx, c, http.MethodGet, "/certificates/"+url.PathEscape(id), nil, nil)
}

// CertificateKey returns the key that the server signs certificates with.
func (c *Client) CertificateKey(ctx context.Context) (wire.CertificateKey, error) {
	return call[wire.CertificateKey](ctx, c, http.MethodGet, "/certificates/key", nil, nil)
}
