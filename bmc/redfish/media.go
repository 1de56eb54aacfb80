package redfish

import (
	"context"
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
	resource
	MediaTypes   []string
	Image        string
	ImageName    string
	Inserted     *bool // nil: not told
	ConnectedVia string
	Actions      struct {
		Insert action `json:"#VirtualMedia.InsertMedia"`
		Eject  action `json:"#VirtualMedia.EjectMedia"`
	}
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
	m := bmc.Medium{ID: tidy(d.ID), Kinds: append([]string{}, tidyAll(d.MediaTypes)...), Inserted: d.full()}
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
		m, err := get[manager](c.under(ctx), c.manager)
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
		drives, err := members[drive](c.under(ctx), at, maxDrives)
		if skip := c.traits.notDrives; skip != "" {
			drives = slices.DeleteFunc(drives, func(d drive) bool { return prefix(lastOf(d.ODataID), skip) })
		}
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
