package client

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/journal"
)

// query collects the parameters that are not empty.
func query(pairs ...string) url.Values {
	out := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out.Set(pairs[i], pairs[i+1])
		}
	}
	return out
}

// several adds a parameter that may be repeated.
func several(to url.Values, name string, values []string) {
	for _, v := range values {
		to.Add(name, v)
	}
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func flag(b bool) string {
	if b {
		return "true"
	}
	return ""
}

// all returns a list, page after page.
func all[T any](ctx context.Context, c *Client, path string, q url.Values) ([]T, error) {
	if q == nil {
		q = url.Values{}
	}
	out, bound := []T{}, boundOf(ctx)
	if bound.most > 0 && bound.most < pageSize {
		q.Set("limit", strconv.Itoa(bound.most))
	} else if !q.Has("limit") {
		q.Set("limit", strconv.Itoa(pageSize))
	}
	for {
		page, err := call[wire.List[T]](ctx, c, http.MethodGet, path, q, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
		if bound.most > 0 && (len(out) > bound.most || len(out) == bound.most && page.Next != "") {
			bound.more()
			return out[:bound.most], nil
		}
		if page.Next == "" || page.Next == q.Get("page_token") {
			return out, nil
		}
		q.Set("page_token", page.Next)
	}
}

// most returns so many of a list, over as many pages as they take; 0: all.
func most[T any](ctx context.Context, c *Client, limit int, path string, q url.Values) ([]T, error) {
	if limit > 0 {
		ctx = AtMost(ctx, limit, func() {})
	}
	return all[T](ctx, c, path, q)
}

// pageSize is how much a page of the server has.
const pageSize = 1000

type boundKey struct{}

// bound is how much of a list is wanted.
type bound struct {
	most int // 0: all
	more func()
}

func boundOf(ctx context.Context) bound {
	b, _ := ctx.Value(boundKey{}).(bound)
	return b
}

// AtMost bounds the lists that are asked for with the context: so many things, over as many
// pages as they take. When there are more, that is told.
func AtMost(ctx context.Context, most int, more func()) context.Context {
	return context.WithValue(ctx, boundKey{}, bound{most, more})
}

// Health asks whether the server works; it needs no token.
func (c *Client) Health(ctx context.Context) (wire.Health, error) {
	return callWithin[wire.Health](ctx, c, 10*time.Second, http.MethodGet, "/health", nil, nil)
}

// MachineQuery narrows a list of machines; empty fields do not.
type MachineQuery struct {
	Rack, MAC           string
	Phases              []string // any of these
	Tag, Project, Model string
	Vendor, Image       string
	Serial, AssetTag    string
	Condition           string   // type of one that it has
	Held                bool     // by somebody
	Sort                string   // name, rack, phase, created_at or updated_at; a minus before it turns it round
	Labels              []string // KEY or KEY=VALUE
	Text                string   // words, each the beginning of one about the machine
	Facts               bool     // with the observed parts of each
	Limit               int      // 0 is the server's default
	PageToken           string   // of the page before
}

func (q *MachineQuery) values() url.Values {
	values := query("rack", q.Rack, "mac", q.MAC, "vendor", q.Vendor, "image", q.Image, "serial", q.Serial, "asset_tag", q.AssetTag,
		"condition", q.Condition, "held", flag(q.Held), "sort", q.Sort, "tag", q.Tag, "project", q.Project, "model", q.Model, "q", q.Text,
		"limit", number(int64(q.Limit)), "page_token", q.PageToken)
	several(values, "label", q.Labels)
	several(values, "phase", q.Phases)
	if q.Facts {
		values.Set("facts", "true")
	}
	return values
}

// MachinePage returns one page of machines, by name unless the query sorts them.
func (c *Client) MachinePage(ctx context.Context, q MachineQuery) (wire.List[inventory.Machine], error) {
	return call[wire.List[inventory.Machine]](ctx, c, http.MethodGet, "/machines", q.values(), nil)
}

// Machines returns all machines of the query, page after page.
func (c *Client) Machines(ctx context.Context, q MachineQuery) ([]inventory.Machine, error) {
	return all[inventory.Machine](ctx, c, "/machines", q.values())
}

func machinePath(machine, rest string) string { return "/machines/" + url.PathEscape(machine) + rest }

// Machine returns a machine by id or name.
func (c *Client) Machine(ctx context.Context, machine string) (inventory.Machine, error) {
	return call[inventory.Machine](ctx, c, http.MethodGet, machinePath(machine, ""), nil, nil)
}

// Timeline returns the newest so many events of a machine, oldest first; 0: all.
func (c *Client) Timeline(ctx context.Context, machine string, limit int) ([]journal.Event, error) {
	list, err := most[journal.Event](ctx, c, limit, machinePath(machine, "/timeline"), nil)
	slices.SortStableFunc(list, func(a, b journal.Event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return list, err
}

// Why says in a sentence what a machine waits for or what stopped it.
func (c *Client) Why(ctx context.Context, machine string) (wire.Why, error) {
	return call[wire.Why](ctx, c, http.MethodGet, machinePath(machine, "/why"), nil, nil)
}

// Deploy begins a deployment.
func (c *Client) Deploy(ctx context.Context, machine string, d wire.Deploy) (deploy.Operation, error) {
	d.DryRun = false
	return call[deploy.Operation](ctx, c, http.MethodPost, machinePath(machine, "/actions/deploy"), nil, d)
}

// PlanDeploy says which steps a deployment would take.
func (c *Client) PlanDeploy(ctx context.Context, machine string, d wire.Deploy) (wire.Steps, error) {
	d.DryRun = true
	return call[wire.Steps](ctx, c, http.MethodPost, machinePath(machine, "/actions/deploy"), nil, d)
}

// Preview says what a deployment would give to a machine.
func (c *Client) Preview(ctx context.Context, machine string, d wire.Deploy) (wire.Preview, error) {
	return call[wire.Preview](ctx, c, http.MethodPost, machinePath(machine, "/preview"), nil, d)
}

// Inspect begins an inspection.
func (c *Client) Inspect(ctx context.Context, machine string) (deploy.Operation, error) {
	return call[deploy.Operation](ctx, c, http.MethodPost, machinePath(machine, "/actions/inspect"), nil, wire.Inspect{})
}

// Power begins a change of the power state: on, off, force-off, cycle or reset.
func (c *Client) Power(ctx context.Context, machine, action string) (deploy.Operation, error) {
	return call[deploy.Operation](ctx, c, http.MethodPost, machinePath(machine, "/actions/power"), nil, wire.Power{Action: action})
}

// Templates returns the templates of installers' answers and kernel arguments that the
// server has built in.
func (c *Client) Templates(ctx context.Context) ([]wire.Template, error) {
	l, err := call[wire.List[wire.Template]](ctx, c, http.MethodGet, "/templates", nil, nil)
	return l.Items, err
}

// PlanSchema returns the JSON Schema of a rack plan.
func (c *Client) PlanSchema(ctx context.Context) (json.RawMessage, error) {
	return call[json.RawMessage](ctx, c, http.MethodGet, "/schemas/plan", nil, nil)
}

// Racks returns all racks.
func (c *Client) Racks(ctx context.Context) ([]inventory.Rack, error) {
	return all[inventory.Rack](ctx, c, "/racks", nil)
}

// Networks returns all networks.
func (c *Client) Networks(ctx context.Context) ([]inventory.Network, error) {
	return all[inventory.Network](ctx, c, "/networks", nil)
}

// Leases returns the addresses lent to strangers: all, or those of a network or a MAC.
func (c *Client) Leases(ctx context.Context, network, mac string) ([]inventory.Lease, error) {
	list, err := all[inventory.Lease](ctx, c, "/leases", query("network", network, "mac", mac))
	slices.SortFunc(list, func(a, b inventory.Lease) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), a.Address.Compare(b.Address))
	})
	return list, err
}

// DiffPlan says what applying a plan would do.
func (c *Client) DiffPlan(ctx context.Context, p plan.Plan) (plan.Diff, error) {
	return call[plan.Diff](ctx, c, http.MethodPost, "/plans", nil, p)
}

// ExportPlan returns the plan that makes the inventory as it is: of some racks, or of a
// site, which "" names where there is one.
func (c *Client) ExportPlan(ctx context.Context, site string, racks []string) (plan.Plan, error) {
	q := query("site", site)
	for _, r := range racks {
		q.Add("rack", r)
	}
	return call[plan.Plan](ctx, c, http.MethodGet, "/plan", q, nil)
}

// ApplyPlan applies a plan, if hash is "" or still names its changes.
func (c *Client) ApplyPlan(ctx context.Context, p plan.Plan, hash string) (plan.Diff, error) {
	return call[plan.Diff](ctx, c, http.MethodPost, "/plans/apply", query("hash", hash), p)
}

// Images returns all images.
func (c *Client) Images(ctx context.Context) ([]images.Image, error) {
	return all[images.Image](ctx, c, "/images", nil)
}

// Image returns an image by id or name.
func (c *Client) Image(ctx context.Context, image string) (images.Image, error) {
	return call[images.Image](ctx, c, http.MethodGet, "/images/"+url.PathEscape(image), nil, nil)
}

// RemoveImage forgets an image.
func (c *Client) RemoveImage(ctx context.Context, image string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "/images/"+url.PathEscape(image), nil, nil)
	return err
}

// OperationQuery narrows a list of operations; empty fields do not.
type OperationQuery struct {
	Machine, Rack string
	Kinds, States []string // any of these
	Open          bool     // only those that have not ended
	Sort          string   // created or -created; "" is the newest first
	Limit         int      // 0 is the server's default
	PageToken     string   // of the page before
}

// Operations returns operations, newest first.
func (c *Client) Operations(ctx context.Context, q OperationQuery) ([]deploy.Operation, error) {
	l, err := c.OperationPage(ctx, q)
	return l.Items, err
}

// AllOperations returns the operations of a query, page after page.
func (c *Client) AllOperations(ctx context.Context, q OperationQuery) ([]deploy.Operation, error) {
	return all[deploy.Operation](ctx, c, "/operations", q.values())
}

// OperationPage returns a page of operations.
func (c *Client) OperationPage(ctx context.Context, q OperationQuery) (wire.List[deploy.Operation], error) {
	return call[wire.List[deploy.Operation]](ctx, c, http.MethodGet, "/operations", q.values(), nil)
}

func (q *OperationQuery) values() url.Values {
	values := query("machine", q.Machine, "rack", q.Rack, "open", flag(q.Open), "sort", q.Sort, "limit", number(int64(q.Limit)), "page_token", q.PageToken)
	several(values, "kind", q.Kinds)
	several(values, "state", q.States)
	return values
}

// OperationLog returns what happened in an operation, oldest first.
func (c *Client) OperationLog(ctx context.Context, id string) ([]journal.Event, error) {
	return all[journal.Event](ctx, c, operationPath(id, "/log"), nil)
}

// Many begins the same work on many machines, or makes the same change: by verb deploy,
// power, inspect, erase, burn-in, rescue, bmc, claim, firmware, locate, hold, release,
// retire, replace, waive or unwaive. Or it says what it would do.
func Many[T any](ctx context.Context, c *Client, verb string, m wire.Many[T]) (wire.Bulk, error) {
	if tries(ctx) { // of many, the body says so
		m.DryRun, ctx = true, InEarnest(ctx)
	}
	return call[wire.Bulk](ctx, c, http.MethodPost, "/machines/actions/"+verb, nil, m)
}

func operationPath(id, rest string) string { return "/operations/" + url.PathEscape(id) + rest }

// Operation returns an operation.
func (c *Client) Operation(ctx context.Context, id string) (deploy.Operation, error) {
	return call[deploy.Operation](ctx, c, http.MethodGet, operationPath(id, ""), nil, nil)
}

// WaitOperation returns an operation as soon as its version is not the one seen or it
// has ended, at the latest after wait (at most a minute).
func (c *Client) WaitOperation(ctx context.Context, id string, seen int64, wait time.Duration) (deploy.Operation, error) {
	return callWithin[deploy.Operation](ctx, c, wait+30*time.Second, http.MethodGet, operationPath(id, ""),
		query("wait", wait.String(), "version", number(seen)), nil)
}

// CancelOperation ends an operation at its next safe point.
func (c *Client) CancelOperation(ctx context.Context, id string) (deploy.Operation, error) {
	return call[deploy.Operation](ctx, c, http.MethodPost, operationPath(id, "/cancel"), nil, nil)
}

// RetryOperation lets a parked operation go on.
func (c *Client) RetryOperation(ctx context.Context, id string) (deploy.Operation, error) {
	return call[deploy.Operation](ctx, c, http.MethodPost, operationPath(id, "/retry"), nil, nil)
}

// EventQuery narrows a list of events; empty fields do not.
type EventQuery struct {
	After   int64  // id of the last event already seen
	Machine string // id or name
	Newest  bool   // the newest so many instead of the next
	Limit   int    // 0: all
}

// Events returns events, oldest first.
func (c *Client) Events(ctx context.Context, q EventQuery) ([]journal.Event, error) {
	return events(ctx, c, q.Limit, query("after", number(q.After), "machine", q.Machine, "newest", flag(q.Newest)))
}

// events reads pages of events, each oldest first, and puts them in order.
func events(ctx context.Context, c *Client, limit int, q url.Values) ([]journal.Event, error) {
	list, err := most[journal.Event](ctx, c, limit, "/events", q)
	slices.SortFunc(list, func(a, b journal.Event) int { return cmp.Compare(a.ID, b.ID) })
	return list, err
}
