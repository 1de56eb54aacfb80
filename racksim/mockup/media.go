package mockup

import (
	"net/http"
	"net/url"
	"path"
	"slices"
)

// insert is VirtualMedia.InsertMedia.
func (b *BMC) insert(c *call, a action) reply {
	for name := range c.body {
		known := []string{"Image", "Inserted", "WriteProtected", "TransferMethod", "TransferProtocolType", "UserName", "Password"}
		if !slices.Contains(known, name) {
			return unknownParameter(a.name, name).reply()
		}
	}
	if textAt(c.body, "Image") == "" {
		return missingParameter(a.name, "Image").reply()
	}
	if p := b.load(a.owner, c.body); p != nil {
		return p.reply()
	}
	return none()
}

// load puts an image into a drive.
func (b *BMC) load(drive string, sent body) *refusal {
	image := textAt(sent, "Image")
	u, err := url.Parse(image)
	switch {
	case err != nil || !slices.Contains([]string{"http", "https", "nfs", "cifs", "smb"}, u.Scheme) || u.Host == "":
		return refuse(http.StatusBadRequest, "PropertyValueFormatError", "The value for the property Image is of a different format than the property can accept.")
	case at(b.get(drive), "Inserted") == true:
		return refuse(http.StatusBadRequest, "ResourceInUse", "The drive has an image in it already: eject it first.")
	}
	d := b.edit(drive)
	d["Image"], d["ImageName"], d["Inserted"], d["ConnectedVia"] = image, path.Base(u.Path), true, "URI"
	if _, ok := d["WriteProtected"]; ok {
		d["WriteProtected"] = true
	}
	return nil
}

// eject is VirtualMedia.EjectMedia.
func (b *BMC) eject(c *call, a action) reply {
	if at(b.get(a.owner), "Inserted") != true && b.habits.emptyEject != nil {
		return b.habits.emptyEject.reply()
	}
	b.unload(a.owner)
	return none()
}

func (b *BMC) unload(drive string) {
	d := b.edit(drive)
	d["Image"], d["ImageName"], d["Inserted"], d["ConnectedVia"] = nil, "", false, "NotConnected"
}

// patchMedia inserts and ejects where the drive has no actions (Lenovo): Image with
// Inserted true, or Image null.
func (b *BMC) patchMedia(c *call) *refusal {
	_, hasImage := c.body["Image"]
	sent := clone(c.body).(body)
	clear(c.body)
	if at(b.get(c.uri), "Actions", "#VirtualMedia.InsertMedia") != nil && hasImage {
		return readOnly("Image")
	}
	switch {
	case hasImage && textAt(sent, "Image") == "", sent["Inserted"] == false:
		b.unload(c.uri)
	case hasImage:
		return b.load(c.uri, sent)
	}
	return nil
}

// image is what is in the first drive that can be a CD.
func (b *BMC) image() string {
	lists := []string{follow(b.get(b.host), "VirtualMedia"), follow(b.get(b.manager), "VirtualMedia")}
	for _, list := range lists {
		for _, uri := range members(b.get(list), "Members") {
			d := b.get(uri)
			if kinds := texts(d, "MediaTypes"); (slices.Contains(kinds, "CD") || slices.Contains(kinds, "DVD")) && d["Inserted"] == true {
				return textAt(d, "Image")
			}
		}
	}
	return ""
}
