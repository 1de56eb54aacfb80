package redfish

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"rackwright/fault"
)

const (
	maxImageURL = 2048            // bytes of an image's URL
	maxMount    = 2 * time.Minute // of one exchange: some BMCs answer when they have looked at the image
)

// leisureKey finds how long one exchange may take.
type leisureKey struct{}

// atLeisure lets each exchange of a call take longer than Timing.Request.
func atLeisure(ctx context.Context, limit time.Duration) context.Context {
	return context.WithValue(ctx, leisureKey{}, limit)
}

// limit is how long one exchange may take.
func (w *wire) limit(ctx context.Context) time.Duration {
	at, _ := ctx.Value(leisureKey{}).(time.Duration)
	return max(at, w.timing.Request)
}

// InsertMedia empties the CD drive if something else is in it, goes up the ladder of rungs until
// the BMC accepts the image, and reads back until it is in. An answer that does not say
// whether it was taken is judged by the drive alone.
func (c *Controller) InsertMedia(ctx context.Context, image string) error {
	u, err := url.Parse(image)
	if err != nil || len(image) > maxImageURL || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return fault.Invalidf("the image is not at an http or https URL without user name of at most %d bytes", maxImageURL).
			WithHint("write it as https://host/path/file.iso")
	}
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	d, err := c.cdDrive(ctx)
	if err != nil {
		return err
	}
	if d.same(image) {
		return nil
	}
	if d.full() {
		if err := c.eject(ctx, d); err != nil {
			return err
		}
	}
	c.log.Info("bmc gets an image", "drive", d.ODataID, "host", u.Host)
	task, err := c.climb(ctx, d, u)
	return c.veil(c.verifyMedia(ctx, d, task, u, err), u)
}

// climb sends the image as on the rung that worked before, or the first, and goes on to the
// next after each refusal that is about what was sent. A refusal for the moment is
// repeated a few times: HPE has one during the power-on self-test.
func (c *Controller) climb(ctx context.Context, d *drive, image *url.URL) (task string, err error) {
	on := firstRung(d)
	if c.remember.rung != nil {
		on = *c.remember.rung
	}
	for {
		err = c.whileNotNow(ctx, func() (again bool, err error) {
			task, err = c.sendMedia(ctx, d, on, image)
			return !on.patch, err // write repeats by itself
		})
		if err == nil {
			c.remember.rung = &on
			return task, nil
		}
		next, ok := on.after(err)
		if !ok || notNow(err) {
			return "", err
		}
		c.log.Info("bmc refuses the image as it was said, saying it another way", "now", on, "next", next)
		on = next
	}
}

func (c *Controller) sendMedia(ctx context.Context, d *drive, on rung, image *url.URL) (task string, err error) {
	ctx = atLeisure(ctx, min(c.timing.Media, maxMount))
	if on.patch {
		return c.write(ctx, d.ODataID, on.payload(image))
	}
	return c.act(ctx, d.Actions.Insert.Target, on.payload(image))
}

// verifyMedia reads the drive until the image is in.
func (c *Controller) verifyMedia(ctx context.Context, d *drive, task string, image *url.URL, wrote error) error {
	limit := c.timing.Media
	if wrote != nil {
		limit = min(limit, c.timing.Proof)
	}
	return c.verify(ctx, change{doing: "insert the image", task: task, wrote: wrote, limit: limit,
		look: func(ctx context.Context) (bool, error) {
			now, err := get[drive](c.under(ctx), d.ODataID)
			return err == nil && now.holds(image.String()), err
		},
		ignored: func() *fault.Error {
			return fault.Conflictf("BMC %s accepted the image, but it is not in the drive after %s", c.access.Address, c.timing.Media).
				WithHint("check that the BMC itself reaches %s: its route, DNS and clock, and whether it trusts the certificate", image.Host)
		}})
}

// veil takes the image's path out of what a BMC says: a URL that is good for once is a secret.
func (c *Controller) veil(err error, image *url.URL) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	shown := *f
	for _, secret := range []string{image.String(), image.RequestURI(), image.Path} {
		if len(secret) > 1 {
			shown.Message = strings.ReplaceAll(shown.Message, secret, "(image)")
		}
	}
	return &shown
}

// EjectMedia empties the CD drive.
func (c *Controller) EjectMedia(ctx context.Context) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	d, err := c.cdDrive(ctx)
	if err != nil || !d.full() {
		return err
	}
	return c.eject(ctx, d)
}

// eject empties a drive: the action with an empty object, which iLO requires (sushy,
// resources/manager/virtual_media.py) and nobody refuses, else by writing the drive.
func (c *Controller) eject(ctx context.Context, d *drive) error {
	task, wrote := c.sendEject(ctx, d)
	return c.verify(ctx, change{doing: "eject the image", task: task, wrote: wrote,
		look: func(ctx context.Context) (bool, error) {
			now, err := get[drive](c.under(ctx), d.ODataID)
			return err == nil && !now.full(), err
		},
		ignored: func() *fault.Error {
			return fault.Conflictf("BMC %s accepted the ejection, but the image is still in the drive", c.access.Address).
				WithHint("look whether the machine has locked the drive or a person uses it in the remote console; power the machine off, or restart the BMC")
		}})
}

func (c *Controller) sendEject(ctx context.Context, d *drive) (task string, err error) {
	if d.Actions.Eject.Target != "" {
		err = c.whileNotNow(ctx, func() (again bool, err error) {
			task, err = c.act(ctx, d.Actions.Eject.Target, struct{}{})
			return true, err
		})
		if !absent(err) {
			return task, err
		}
	}
	task, err = c.write(ctx, d.ODataID, map[string]any{"Image": nil, "Inserted": false})
	if illFormed(err) { // Inserted may be read-only (ansible-collections/community.general #4595)
		task, err = c.write(ctx, d.ODataID, map[string]any{"Image": nil})
	}
	return task, err
}
