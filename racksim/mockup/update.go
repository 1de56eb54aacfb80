package mockup

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rackwright/racksim"
)

// maxUpdates is how many updates are under way, or wait for a reset.
const maxUpdates = 8

// order is one update: what came and what is to become of it.
type order struct {
	task    string
	targets []string
	onReset bool
	file    racksim.Firmware
	size    int64
	err     error // of fetching or reading it
}

// simpleUpdate is UpdateService.SimpleUpdate: the BMC fetches the file by itself, and does
// not look at certificates, as BMCs do not.
func (b *BMC) simpleUpdate(c *call, a action) reply {
	image := textAt(c.body, "ImageURI")
	u, err := url.Parse(image)
	protocol := textAt(c.body, "TransferProtocol")
	allowed := b.allowed(a.body, "TransferProtocol")
	switch {
	case image == "":
		return missingParameter(a.name, "ImageURI").reply()
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return refuse(http.StatusBadRequest, "ActionParameterValueFormatError", "The value for the parameter ImageURI in the action %s is of a different format than the parameter can accept.", a.name).reply()
	case protocol != "" && allowed != nil && !slices.Contains(allowed, protocol):
		return refuse(http.StatusBadRequest, "ActionParameterValueNotInList", "The value '%s' for the parameter TransferProtocol in the action %s is not in the list of acceptable values.", protocol, a.name).reply()
	}
	o := order{targets: texts(c.body, "Targets"), onReset: textAt(c.body, "@Redfish.OperationApplyTime") == "OnReset"}
	if p := b.fitTargets(o.targets); p != nil {
		return p.reply()
	}
	if b.fetching >= maxUpdates || len(b.waiting) >= maxUpdates {
		return refuse(http.StatusServiceUnavailable, "ServiceTemporarilyUnavailable", "Other updates are under way.").reply()
	}
	b.fetching++
	o.task = b.newTask("Firmware Update", time.Hour, nil)
	b.work.Go(func() {
		o.file, o.size, o.err = fetch(b.over, image)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.fetching--
		b.received(o)
	})
	return b.updating(o.task)
}

// updating answers an update that was taken.
func (b *BMC) updating(task string) reply {
	if b.habits.updateAnswer != nil {
		return b.habits.updateAnswer(b, task)
	}
	return b.accepted(task)
}

func (b *BMC) fitTargets(targets []string) *refusal {
	for _, uri := range targets {
		if b.get(strings.TrimSuffix(uri, "/")) == nil {
			return refuse(http.StatusBadRequest, "InvalidURI", "The URI %s was not found.", uri)
		}
	}
	return nil
}

// take reads a file to its end.
func take(r io.Reader) (f racksim.Firmware, size int64, err error) {
	counted := &counter{r: r}
	f, err = racksim.ReadFirmware(counted)
	if err == nil || counted.n == 0 {
		return f, counted.n, err
	}
	_, _ = io.Copy(io.Discard, counted) // the sender finishes before it listens
	return f, counted.n, err
}

// counter counts what is read, to the largest file that is taken.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.n += int64(n); c.n > maxUpload {
		return n, fmt.Errorf("the file is larger than %d bytes", maxUpload)
	}
	return n, err
}

func fetch(ctx context.Context, image string) (none racksim.Firmware, size int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, image, nil)
	if err != nil {
		return none, 0, err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // a BMC knows no CA of ours
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return none, 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return none, 0, fmt.Errorf("the server answers %s", resp.Status)
	}
	return take(resp.Body)
}

// received goes on when the whole file is here.
func (b *BMC) received(o order) {
	b.drop(o.task)
	if b.get(o.task) == nil {
		return // somebody deleted it
	}
	if o.err != nil {
		b.finish(o.task, "Exception", "The image could not be transferred.")
		return
	}
	item, version, ok := b.whatIs(o)
	if !ok {
		b.finish(o.task, "Exception", "The image is not one for this system.")
		return
	}
	b.edit(o.task)["PercentComplete"] = number(30)
	if o.onReset || b.habits.biosWaits && item == b.itemOf(b.host) {
		b.edit(o.task)["TaskState"] = "Pending"
		b.waiting = append(b.waiting, func() { b.install(o.task, item, version) })
		return
	}
	b.in(b.cfg.Work, o.task, func() { b.install(o.task, item, version) })
}

// whatIs finds the inventory's item that a file is for: by the target that was named, else
// by what stands in the file.
func (b *BMC) whatIs(o order) (item, version string, ok bool) {
	switch o.file.Component {
	case "bios":
		item = b.itemOf(b.host)
	case "bmc":
		item = b.itemOf(b.manager)
	default:
		for _, uri := range members(b.get(b.services.firmware), "Members") {
			if _, id, _ := cutLast(uri); id == o.file.Component {
				item = uri
			}
		}
	}
	for _, t := range o.targets {
		if t = strings.TrimSuffix(t, "/"); below(t, b.services.firmware) && t != item {
			return "", "", false // for another part than the file is
		}
	}
	return item, o.file.Version, item != ""
}

// itemOf is the inventory's item of the host's BIOS or the manager's own firmware.
func (b *BMC) itemOf(owner string) string {
	for _, uri := range members(b.get(b.services.firmware), "Members") {
		for _, of := range members(b.get(uri), "RelatedItem") {
			if of == owner || of == owner+"/Bios" {
				return uri
			}
		}
	}
	return ""
}

// install changes the version, where it stands a second time, too. A new firmware of the
// BMC itself restarts it.
func (b *BMC) install(task, item, version string) {
	b.edit(item)["Version"] = version
	b.finish(task, "Completed", "The update has completed successfully.")
	b.note("Firmware "+textAt(b.get(item), "Name")+" is now "+version+".", "OK")
	switch item {
	case b.itemOf(b.host):
		b.edit(b.host)["BiosVersion"] = version
	case b.itemOf(b.manager):
		b.edit(b.manager)["FirmwareVersion"] = version
		b.restartManager()
	}
}

// afterReset installs what waited for the host's reset.
func (b *BMC) afterReset() {
	for _, do := range b.waiting {
		do()
	}
	b.waiting = nil
}
