package redfish

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc/probe"
)

const (
	maxTestimony = 600 // requests
	maxSoftwares = 200 // of them for the firmware inventory
)

// Testify reads what the BMC's resources say beside each other, for package probe. It
// changes nothing. What cannot be read is named in Unread.
func (c *Controller) Testify(ctx context.Context) (probe.Evidence, error) {
	t := &testimony{c: c, ctx: withBudget(ctx, maxTestimony)}
	t.Told, t.Vendor, t.Model, t.Manager, t.Firmware = true, c.identity.Vendor, c.identity.Model, c.identity.Manager, c.identity.Firmware
	for _, q := range slices.Concat(quirks(), updateQuirks(), custodyQuirks()) {
		if q.matches(c.identity) {
			t.Quirks = append(t.Quirks, probe.Quirk{Name: q.name, Source: q.source})
		}
	}
	t.Certificate = c.wire.certificate()
	root, err := c.services(t.ctx)
	if err != nil {
		return t.Evidence, c.explain("read the service root", err)
	}
	t.RedfishVersion = tidy(root.RedfishVersion)
	if err := t.system(root); err != nil {
		return t.Evidence, c.explain("read the system", err)
	}
	t.enclosures()
	t.eventService(root.EventService)
	t.updateService(root.UpdateService)
	t.sessions(root)
	t.certifies(root.CertificateService)
	for _, at := range []link{{URI: c.system}, {URI: c.manager}, root.UpdateService, root.AccountService} {
		t.tag(at.URI)
	}
	_, err = c.services(ctx) // a BMC that denies us by now, and the end of ctx, are to be told
	if err != nil {
		return t.Evidence, c.explain("read its resources", err)
	}
	return t.Evidence, nil
}

// testimony is Evidence under way.
type testimony struct {
	probe.Evidence
	c   *Controller
	ctx context.Context
}

// readFor reads a resource; one that cannot be is noted, and false.
func readFor[T any](t *testimony, what, uri string) (T, bool) {
	var none T
	if uri == "" {
		return none, false
	}
	out, _, err := fetch[T](t.ctx, t.c, uri)
	if err != nil {
		t.Unread = append(t.Unread, what+": "+t.c.explain("read it", err).Error())
		return none, false
	}
	return out, true
}

// condition is Resource.Status.
type condition struct{ Health, HealthRollup, State string }

// list reads a collection and counts it.
func (t *testimony) list(what, uri string) []link {
	list, ok := readFor[struct {
		Says    *int   `json:"Members@odata.count"`
		Next    string `json:"Members@odata.nextLink"`
		Members []link
	}](t, what, uri)
	if !ok {
		return nil
	}
	count := probe.Count{URI: uri, Says: -1, Listed: len(list.Members), More: list.Next != ""}
	if list.Says != nil {
		count.Says = *list.Says
	}
	seen := map[string]bool{}
	for _, m := range list.Members {
		at := strings.TrimSuffix(m.URI, "/")
		if seen[at] && len(count.Twice) < 5 {
			count.Twice = append(count.Twice, tidy(m.URI))
		}
		seen[at] = true
	}
	t.Counts = append(t.Counts, count)
	return list.Members
}

// healthOfAll notes the health of the members of a collection.
func (t *testimony) healthOfAll(what, uri string, most int) {
	members := t.list(what, uri)
	for _, m := range members[:min(len(members), most)] {
		p, ok := readFor[struct {
			Id, Name string //nolint:revive // Redfish's names
			Status   condition
		}](t, what, m.URI)
		if ok && p.Status.State != "Absent" {
			t.part(what+" "+cmp.Or(tidy(p.Name), tidy(p.Id), lastOf(m.URI)), p.Status)
		}
	}
}

func (t *testimony) part(name string, s condition) {
	if s.Health != "" && s.State != "Absent" && s.State != "Disabled" {
		t.Parts = append(t.Parts, probe.Part{Name: name, Health: tidy(s.Health)})
	}
}

// system reads what the ComputerSystem says, and its Settings resource.
func (t *testimony) system(root services) error {
	type boot struct {
		Target  string   `json:"BootSourceOverrideTarget"`
		Allowed []string `json:"BootSourceOverrideTarget@Redfish.AllowableValues"`
	}
	s, _, err := fetch[struct {
		SerialNumber, SKU, UUID, BiosVersion, PowerState string
		Status                                           condition
		Boot                                             boot
		ProcessorSummary                                 struct {
			Count  *int
			Status condition
		}
		MemorySummary struct {
			TotalSystemMemoryGiB float64
			Status               condition
		}
		Processors, Memory, EthernetInterfaces, Storage, VirtualMedia, LogServices, SimpleStorage link
		Locator                                                                                   *bool  `json:"LocationIndicatorActive"`
		Indicator                                                                                 string `json:"IndicatorLED"`
		Actions                                                                                   struct {
			Reset struct {
				Allowed []string `json:"ResetType@Redfish.AllowableValues"`
			} `json:"#ComputerSystem.Reset"`
		}
		Settings struct{ SettingsObject link } `json:"@Redfish.Settings"`
	}](t.ctx, t.c, t.c.system)
	if err != nil {
		return err
	}
	t.System = probe.System{URI: t.c.system, Serial: tidy(s.SerialNumber), SKU: tidy(s.SKU), UUID: tidy(s.UUID), BIOS: tidy(s.BiosVersion), Power: tidy(s.PowerState),
		Health: tidy(s.Status.Health), RolledUp: tidy(s.Status.HealthRollup), Target: tidy(s.Boot.Target), Targets: tidyAll(s.Boot.Allowed),
		Resets: tidyAll(s.Actions.Reset.Allowed), Processors: -1, MemoryGiB: s.MemorySummary.TotalSystemMemoryGiB}
	if s.ProcessorSummary.Count != nil {
		t.System.Processors = *s.ProcessorSummary.Count
	}
	t.Locator = s.Locator != nil || s.Indicator != ""
	t.part("memory", s.MemorySummary.Status)
	t.part("processors", s.ProcessorSummary.Status)
	if at := s.Settings.SettingsObject.URI; at != "" && at != t.c.system {
		if staged, ok := readFor[struct{ Boot boot }](t, "Settings of the system", at); ok {
			t.System.HasSettings, t.System.SettingsTargets = true, tidyAll(staged.Boot.Allowed)
		}
	}
	for _, l := range []link{root.Managers, root.Chassis} {
		t.list(path.Base(l.URI), l.URI)
	}
	t.healthOfAll("processor", s.Processors.URI, 16)
	t.healthOfAll("memory module", s.Memory.URI, 64)
	t.list("ports", s.EthernetInterfaces.URI)
	t.healthOfAll("storage", s.Storage.URI, 16)
	t.list("logs", s.LogServices.URI)
	t.virtualMedia(s.VirtualMedia.URI)
	if k, ok := readFor[struct{ VirtualMedia link }](t, "manager", t.c.manager); ok && k.VirtualMedia.URI != s.VirtualMedia.URI {
		t.virtualMedia(k.VirtualMedia.URI)
	}
	return nil
}

func (t *testimony) virtualMedia(uri string) {
	members := t.list("virtual media", uri)
	for _, m := range members[:min(len(members), 16)] {
		d, ok := readFor[struct {
			Id, Image  string //nolint:revive // Redfish's names
			Inserted   bool
			MediaTypes []string
		}](t, "virtual drive", m.URI)
		if ok {
			t.Media = append(t.Media, probe.Drive{List: uri, ID: cmp.Or(tidy(d.Id), lastOf(m.URI)), Image: tidy(d.Image), Inserted: d.Inserted, Kinds: tidyAll(d.MediaTypes)})
		}
	}
}

// tag reads a resource twice and once more on the condition that it changed (RFC 9110
// 13.1.2), and says what its ETag did.
func (t *testimony) tag(uri string) {
	if uri == "" {
		return
	}
	one, first, err := fetch[map[string]json.RawMessage](t.ctx, t.c, uri)
	if err != nil || first == "" {
		return // no tag, nothing to say
	}
	two, second, err := fetch[map[string]json.RawMessage](t.ctx, t.c, uri)
	if err != nil {
		return
	}
	delete(one, "@odata.etag")
	delete(two, "@odata.etag")
	seen := probe.Tag{URI: uri, First: tidy(first), Second: tidy(second), Changed: fmt.Sprintf("%s", one) != fmt.Sprintf("%s", two)}
	if first == second && rungs(first)[0] == first {
		resp, err := t.c.client.WithContext(t.ctx).GetWithHeaders(uri, map[string]string{"If-None-Match": first})
		switch {
		case err == schemas.ErrNotModified:
			seen.Conditional = http.StatusNotModified
		case err != nil:
			seen.Conditional = statusOf(err)
		default:
			seen.Conditional = resp.StatusCode
		}
		schemas.DeferredCleanupHTTPResponse(resp)
	}
	t.Tags = append(t.Tags, seen)
}

func tidyAll(all []string) []string {
	var out []string
	for _, s := range all {
		if s = tidy(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// certificate tells what the last handshake showed.
func (w *wire) certificate() *probe.Certificate {
	w.pin.mu.Lock()
	leaf, version := w.pin.leaf, w.pin.version
	w.pin.mu.Unlock()
	if leaf == nil {
		return nil
	}
	return &probe.Certificate{Subject: tidy(leaf.Subject.String()), Issuer: tidy(leaf.Issuer.String()), NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
		Key: keyOf(leaf), TLS: tls.VersionName(version)}
}

func keyOf(leaf *x509.Certificate) string {
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	}
	return leaf.PublicKeyAlgorithm.String()
}
