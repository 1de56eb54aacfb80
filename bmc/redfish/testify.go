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
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc/probe"
)

// maxTestimony is how many requests it takes at most.
const maxTestimony = 600

// Testify reads what the BMC's resources say beside each other, for package probe. It
// changes nothing. What cannot be read is named in Unread.
func (c *Controller) Testify(ctx context.Context) (probe.Evidence, error) {
	t := &testimony{c: c, ctx: withBudget(ctx, maxTestimony)}
	t.Told, t.Vendor, t.Model, t.Manager, t.Firmware = true, c.identity.Vendor, c.identity.Model, c.identity.Manager, c.identity.Firmware
	for _, q := range quirksOf(c.identity) {
		t.Quirks = append(t.Quirks, probe.Quirk{Name: q.name, Source: q.source})
	}
	t.Certificate = c.wire.certificate()
	t.RedfishVersion = tidy(c.root.RedfishVersion)
	sys, err := c.read(t.ctx)
	if err != nil {
		return t.Evidence, c.explain("read the system", err)
	}
	t.system(sys)
	t.enclosures(sys)
	t.eventService(c.root.Events)
	t.updateService(c.root.Updates)
	t.sessions(c.root)
	t.certifies(c.root.Certificates)
	for _, at := range []link{{URI: c.system}, {URI: c.manager}, c.root.Updates, c.root.Accounts} {
		t.tag(at.URI)
	}
	if _, err = get[serviceRoot](c.under(ctx), rootPath); err != nil { // a BMC that denies us by now, and the end of ctx, are to be told
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
func readFor[T any](t *testimony, what, uri string) (*T, bool) {
	if uri == "" {
		return nil, false
	}
	out, err := get[T](t.c.under(t.ctx), uri)
	if err != nil {
		t.Unread = append(t.Unread, what+": "+t.c.explain("read it", err).Error())
	}
	return out, err == nil
}

// list reads a collection and counts it.
func (t *testimony) list(what, uri string) []string {
	list, ok := readFor[collection](t, what, uri)
	if !ok {
		return nil
	}
	count := probe.Count{URI: uri, Says: -1, Listed: len(list.Members), More: list.next() != ""}
	if list.Count != nil {
		count.Says = *list.Count
	}
	seen := map[string]bool{}
	for _, uri := range list.uris() {
		at := strings.TrimSuffix(uri, "/")
		if seen[at] && len(count.Twice) < 5 {
			count.Twice = append(count.Twice, tidy(uri))
		}
		seen[at] = true
	}
	t.Counts = append(t.Counts, count)
	return list.uris()
}

// healthOfAll notes the health of the members of a collection.
func (t *testimony) healthOfAll(what, uri string, most int) {
	members := t.list(what, uri)
	for _, at := range members[:min(len(members), most)] {
		if p, ok := readFor[patient](t, what, at); ok {
			t.part(what+" "+first(p.Name, p.ID), p.Status)
		}
	}
}

func (t *testimony) part(name string, s wellness) {
	if s.Health != "" && s.State != "Absent" && s.State != "Disabled" {
		t.Parts = append(t.Parts, probe.Part{Name: name, Health: tidy(s.Health)})
	}
}

// system notes what the ComputerSystem says, and its Settings resource.
func (t *testimony) system(s *system) {
	t.System = probe.System{URI: t.c.system, Serial: tidy(s.SerialNumber), SKU: tidy(s.SKU), UUID: tidy(s.UUID), BIOS: tidy(s.BiosVersion), Power: tidy(string(s.PowerState)),
		Health: tidy(s.Status.Health), RolledUp: tidy(s.Status.HealthRollup), Target: tidy(s.Boot.Target), Targets: tidyAll(s.Boot.Allowed),
		Processors: -1, MemoryGiB: s.MemorySummary.TotalSystemMemoryGiB}
	for _, kind := range s.Actions.Reset.Allowed {
		t.System.Resets = append(t.System.Resets, tidy(string(kind)))
	}
	if s.ProcessorSummary.Count != nil {
		t.System.Processors = *s.ProcessorSummary.Count
	}
	t.Locator = s.Locator != nil || s.Indicator != ""
	t.part("memory", s.MemorySummary.Status)
	t.part("processors", s.ProcessorSummary.Status)
	if staged, ok := readFor[system](t, "Settings of the system", s.pending()); ok {
		t.System.HasSettings, t.System.SettingsTargets = true, tidyAll(staged.Boot.Allowed)
	}
	for _, l := range []link{t.c.root.Managers, t.c.root.Chassis} {
		t.list(lastOf(l.URI), l.URI)
	}
	t.healthOfAll("processor", s.Processors.URI, 16)
	t.healthOfAll("memory module", s.Memory.URI, 64)
	t.list("ports", s.EthernetInterfaces.URI)
	t.healthOfAll("storage", s.Storage.URI, 16)
	t.list("logs", s.LogServices.URI)
	t.virtualMedia(s.VirtualMedia.URI)
	if m, ok := readFor[manager](t, "manager", t.c.manager); ok && m.VirtualMedia.URI != s.VirtualMedia.URI {
		t.virtualMedia(m.VirtualMedia.URI)
	}
}

func (t *testimony) virtualMedia(uri string) {
	members := t.list("virtual media", uri)
	for _, at := range members[:min(len(members), maxDrives)] {
		if d, ok := readFor[drive](t, "virtual drive", at); ok {
			t.Media = append(t.Media, probe.Drive{List: uri, ID: tidy(d.ID), Image: tidy(d.Image), Inserted: d.Inserted != nil && *d.Inserted, Kinds: tidyAll(d.MediaTypes)})
		}
	}
}

// tag reads a resource twice and once more on the condition that it changed (RFC 9110
// 13.1.2), and says what its ETag did.
func (t *testimony) tag(uri string) {
	if uri == "" {
		return
	}
	one, err := get[tagged](t.c.under(t.ctx), uri)
	if err != nil || one.tag == "" {
		return // no tag, nothing to say
	}
	two, err := get[tagged](t.c.under(t.ctx), uri)
	if err != nil {
		return
	}
	seen := probe.Tag{URI: uri, First: tidy(one.tag), Second: tidy(two.tag), Changed: fmt.Sprintf("%s", one.rest) != fmt.Sprintf("%s", two.rest)}
	if one.tag == two.tag && rungs(one.tag)[0] == one.tag {
		a, err := answerOf(t.c.under(t.ctx).GetWithHeaders(uri, map[string]string{"If-None-Match": one.tag}))
		switch {
		case err == schemas.ErrNotModified:
			seen.Conditional = http.StatusNotModified
		case err != nil:
			seen.Conditional = statusOf(err)
		default:
			seen.Conditional = a.status
		}
	}
	t.Tags = append(t.Tags, seen)
}

// tagged is any resource, beside its tag.
type tagged struct {
	rest properties
	tag  string
}

// UnmarshalJSON keeps all but the tag.
func (r *tagged) UnmarshalJSON(b []byte) error {
	err := json.Unmarshal(b, &r.rest)
	_ = json.Unmarshal(r.rest["@odata.etag"], &r.tag) // without one the header's is used
	delete(r.rest, "@odata.etag")
	return err
}

func (r *tagged) stand(_, tag string) { r.tag = cmp.Or(tag, r.tag) }

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
