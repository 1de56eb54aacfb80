package redfish

import (
	"context"
	"encoding/json"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc"
	"rackwright/fault"
)

// maxDrives is how many virtual drives are looked at; XCC has ten.
const maxDrives = 32

// drive is what we use of the VirtualMedia schema.
type drive struct {
	schemas.Entity
	MediaTypes   []string
	Image        string
	ImageName    string
	Inserted     *bool // nil: not told
	ConnectedVia string
	Actions      struct {
		Insert struct {
			Target string `json:"target"`
		} `json:"#VirtualMedia.InsertMedia"`
		Eject struct {
			Target string `json:"target"`
		} `json:"#VirtualMedia.EjectMedia"`
	}
}

// UnmarshalJSON keeps what fits.
func (d *drive) UnmarshalJSON(b []byte) error {
	type plain drive
	return lenient(json.Unmarshal(b, (*plain)(d)))
}

// full reports whether something is in the drive. Supermicro leaves the names of what was
// ejected behind and tells NotConnected (ansible-collections/community.general #7470); some
// tell nothing but the image.
func (d *drive) full() bool {
	if d.Inserted != nil {
		return *d.Inserted
	}
	return d.Image != "" && d.ConnectedVia != string(schemas.NotConnectedConnectedVia)
}

// optical reports whether it is a CD drive. One that does not tell its kinds may be.
func (d *drive) optical() bool {
	return len(d.MediaTypes) == 0 || slices.Contains(d.MediaTypes, string(schemas.CDVirtualMediaType)) ||
		slices.Contains(d.MediaTypes, string(schemas.DVDVirtualMediaType))
}

// holds reports whether the image is in the drive, as far as the BMC tells: some tell
// its URL in another spelling, some only its name, some nothing.
func (d *drive) holds(image string) bool {
	if !d.full() {
		return false
	}
	want, err := url.Parse(image)
	if err != nil {
		return false
	}
	shown := first(d.Image, d.ImageName)
	return shown == "" || path.Base(plainPath(shown)) == path.Base(want.Path)
}

// same reports whether the image is in the drive beyond doubt.
func (d *drive) same(image string) bool { return d.full() && d.Image == image }

// plainPath is the path of a URL, or of a share as \\host\share\file.
func plainPath(s string) string {
	s = strings.ReplaceAll(s, `\`, "/")
	if u, err := url.Parse(s); err == nil {
		return u.Path
	}
	return s
}

func (d *drive) medium() bmc.Medium {
	m := bmc.Medium{ID: first(d.ID, path.Base(d.ODataID)), Kinds: []string{}, Inserted: d.full()}
	for _, kind := range d.MediaTypes {
		if kind = tidy(kind); kind != "" {
			m.Kinds = append(m.Kinds, kind)
		}
	}
	if m.Inserted {
		m.Image = tidyURL(d.Image)
	}
	return m
}

// Media lists the drives of the system, or of the manager where the system has none.
func (c *Controller) Media(ctx context.Context) ([]bmc.Medium, error) {
	drives, err := c.drives(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]bmc.Medium, 0, len(drives))
	for i := range drives {
		out = append(out, drives[i].medium())
	}
	return out, nil
}

// drives reads the drives. iDRAC has had them below the manager, below the system and below
// both, depending on its firmware (bmclib, internal/redfishwrapper/virtual_media.go).
func (c *Controller) drives(ctx context.Context) ([]drive, error) {
	sys, err := c.read(ctx)
	if err != nil {
		return nil, c.explain("read the virtual drives", err)
	}
	places := []string{sys.VirtualMedia.URI}
	if c.manager != "" {
		m, err := c.readManager(ctx, c.manager)
		if err != nil {
			return nil, c.explain("read the virtual drives", err)
		}
		places = append(places, m.VirtualMedia.URI)
	}
	var failed error
	for _, at := range places {
		if at == "" {
			continue
		}
		drives, err := c.drivesAt(ctx, at)
		if len(drives) > 0 {
			return drives, nil
		}
		if err != nil && !absent(err) {
			failed = err
		}
	}
	if failed != nil {
		return nil, c.explain("read the virtual drives", failed)
	}
	return nil, fault.Invalidf("BMC %s has no virtual drive", c.access.Address).
		WithHint("license the BMC's virtual media, or boot over the network")
}

func (c *Controller) drivesAt(ctx context.Context, uri string) ([]drive, error) {
	client := c.client.WithContext(ctx)
	list, err := schemas.GetObject[collection](client, uri)
	if err != nil {
		return nil, err
	}
	var out []drive
	for _, m := range list.Members[:min(len(list.Members), maxDrives)] {
		d, readErr := c.driveAt(ctx, m.URI)
		if readErr != nil {
			err = readErr
			continue
		}
		if skip := c.traits.notDrives; skip == "" || !prefix(path.Base(strings.TrimRight(m.URI, "/")), skip) {
			out = append(out, *d)
		}
	}
	return out, err
}

func (c *Controller) driveAt(ctx context.Context, uri string) (*drive, error) {
	d, err := schemas.GetObject[drive](c.client.WithContext(ctx), uri)
	if err != nil {
		return nil, err
	}
	d.ODataID = uri
	return d, nil
}

// cdDrive is the drive for ISO images: the first optical one, one that says so before one
// that may be, and one with an action before one without.
func (c *Controller) cdDrive(ctx context.Context) (*drive, error) {
	all, err := c.drives(ctx)
	if err != nil {
		return nil, err
	}
	best, points := -1, 0
	for i := range all {
		d := &all[i]
		p := 0
		switch {
		case !d.optical():
		case len(d.MediaTypes) == 0:
			p = 1
		case d.Actions.Insert.Target == "":
			p = 2
		default:
			p = 3
		}
		if p > points {
			best, points = i, p
		}
	}
	if best < 0 {
		return nil, fault.Invalidf("BMC %s has no virtual CD drive", c.access.Address).
			WithHint("boot over the network, or update the BMC's firmware")
	}
	return &all[best], nil
}
