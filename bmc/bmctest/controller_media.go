package bmctest

import (
	"context"
	"net/url"

	"rackwright/bmc"
	"rackwright/fault"
)

// Image is the URL of what is in the virtual CD drive; empty when it is.
func (b *BMC) Image() string { b.mu.Lock(); defer b.mu.Unlock(); return b.setup.image }

func (c *controller) Media(ctx context.Context) ([]bmc.Medium, error) {
	if err := c.called(ctx, Media); err != nil {
		return nil, err
	}
	image := c.b.Image()
	return []bmc.Medium{{ID: "Cd", Kinds: []string{"CD", "DVD"}, Image: image, Inserted: image != ""}}, nil
}

func (c *controller) InsertMedia(ctx context.Context, image string) error {
	if err := c.called(ctx, InsertMedia); err != nil {
		return err
	}
	u, err := url.Parse(image)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return fault.Invalidf("the image is not at an http or https URL").WithHint("write it as https://host/path/file.iso")
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.setup.image = image
	return nil
}

func (c *controller) EjectMedia(ctx context.Context) error {
	if err := c.called(ctx, EjectMedia); err != nil {
		return err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.setup.image = ""
	return nil
}
