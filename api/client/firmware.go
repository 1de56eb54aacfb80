package client

import (
	"context"
	"net/http"
	"net/url"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/firmware"
)

// AddFirmware streams a file to the server's catalogue. f describes it; u.Name is not
// looked at.
func (c *Client) AddFirmware(ctx context.Context, f firmware.File, u Upload) (firmware.File, error) {
	q := query("name", f.Name, "component", f.Component, "version", f.Version, "vendor", f.Vendor, "reset", string(f.Reset), "original", f.Original, "sha256", u.SHA256)
	for _, m := range f.Models {
		q.Add("model", m)
	}
	for _, v := range f.From {
		q.Add("from", v)
	}
	for _, n := range f.Requires {
		q.Add("requires", n.Component+"="+n.AtLeast)
	}
	return send[firmware.File](ctx, c, "/firmware", q, u)
}

// FirmwareFiles returns the catalogue.
func (c *Client) FirmwareFiles(ctx context.Context) ([]firmware.File, error) {
	return all[firmware.File](ctx, c, "/firmware", nil)
}

// FirmwareFile returns a file of the catalogue.
func (c *Client) FirmwareFile(ctx context.Context, name string) (firmware.File, error) {
	return call[firmware.File](ctx, c, http.MethodGet, "/firmware/"+url.PathEscape(name), nil, nil)
}

// RemoveFirmware forgets a file.
func (c *Client) RemoveFirmware(ctx context.Context, name string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "/firmware/"+url.PathEscape(name), nil, nil)
	return err
}

// FirmwareCompliance says how machines stand beside their baseline; an empty rack or model
// is any.
func (c *Client) FirmwareCompliance(ctx context.Context, rack, model string) (wire.FirmwareCompliance, error) {
	return call[wire.FirmwareCompliance](ctx, c, http.MethodGet, "/firmware/compliance", query("rack", rack, "model", model), nil)
}

// FirmwareAnswer is the operation that was begun, or why there is none.
type FirmwareAnswer struct {
	deploy.Operation
	Already bool `json:"already"`
}

// UpdateFirmware begins an update. An answer without an id: the machine has what it is to
// have.
func (c *Client) UpdateFirmware(ctx context.Context, machine string, u wire.FirmwareUpdate) (FirmwareAnswer, error) {
	u.DryRun = false
	return call[FirmwareAnswer](ctx, c, http.MethodPost, machinePath(machine, "/actions/firmware"), nil, u)
}

// PlanFirmware says which files and steps an update would be.
func (c *Client) PlanFirmware(ctx context.Context, machine string, u wire.FirmwareUpdate) (wire.FirmwareSteps, error) {
	u.DryRun = true
	return call[wire.FirmwareSteps](ctx, c, http.MethodPost, machinePath(machine, "/actions/firmware"), nil, u)
}
