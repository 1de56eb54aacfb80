package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/inventory"
	"rackwright/store"
)

type firmwareStore interface {
	// FirmwareFiles are sorted by name.
	FirmwareFiles(ctx context.Context) ([]firmware.File, error)
	FirmwareFile(ctx context.Context, name string) (*firmware.File, error)
	// AddFirmware is Conflict when the name is taken by another file.
	AddFirmware(ctx context.Context, f *firmware.File, actor string) error
	// RemoveFirmware is Conflict while an operation or a campaign needs the file.
	RemoveFirmware(ctx context.Context, name, actor string) (*firmware.File, error)
	// FirmwareMachines and FirmwareMachine say what decides on machines' firmware.
	FirmwareMachines(ctx context.Context, f store.MachineFilter) ([]firmware.Machine, error)
	FirmwareMachine(ctx context.Context, idOrName string) (*firmware.Machine, *inventory.Machine, error)
}

// FirmwareBytes keeps the bytes of firmware files by digest.
type FirmwareBytes interface {
	// Put is Invalid for bytes whose SHA-256 is not the given one (hexadecimal, "" for any).
	Put(ctx context.Context, r io.Reader, sha256 string) (digest string, size int64, err error)
	// Has reports whether the bytes are there.
	Has(digest string) bool
	// Forget drops bytes that no file of the catalogue has.
	Forget(ctx context.Context, digest string) error
}

// FirmwareIn names a firmware file. Exported because huma fills only exported embedded
// structs.
type FirmwareIn struct {
	File string `path:"file" minLength:"1" maxLength:"63" doc:"Name of the file"`
}

type complianceIn struct {
	Rack  string `query:"rack" maxLength:"63" doc:"Only machines of this rack"`
	Model string `query:"model" maxLength:"128" doc:"Only machines of this model"`
}

// firmwares registers the catalogue, the comparison with the baseline and the update.
func (s *server) firmwares(mux *chi.Mux) {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"firmware"}; return o }
	route(s, tag(op("GET", "/firmware", "list-firmware", "Firmware files by name")), func(ctx context.Context, in *PageIn) (*body[wire.List[firmware.File]], error) {
		list, err := s.Store.FirmwareFiles(ctx)
		return pageOf(ctx, *in, byName(func(f *firmware.File) string { return f.Name }), list, err)
	})
	route(s, tag(op("GET", "/firmware/compliance", "firmware-compliance", "How machines stand beside the baseline of their model")), s.compliance)
	route(s, tag(op("GET", "/firmware/{file}", "get-firmware", "One firmware file")), func(ctx context.Context, in *FirmwareIn) (*body[firmware.File], error) {
		f, err := s.Store.FirmwareFile(ctx, in.File)
		if err != nil {
			return nil, err
		}
		return &body[firmware.File]{*f}, nil
	})
	route(s, removal[firmware.File](s, op("DELETE", "/firmware/{file}", "remove-firmware", "Forget a firmware file that nothing needs"), "firmware"), s.removeFirmware)
	update := s.action("firmware", "Bring the machine's firmware to its baseline, or one file onto it")
	update.Responses["200"] = jsonResponse[wire.FirmwareSteps](s, "Dry run, or nothing to do: the files and steps it would be")
	route(s, update, s.updateFirmware)
	many(s, "firmware", "Bring machines' firmware to their baseline, or one file onto them; of many machines, all or each", s.toFirmware)
	mux.Post(wire.Prefix+"/firmware", s.plain("add-firmware", s.addFirmware))
	s.describeFirmwareUpload()
}

func (s *server) compliance(ctx context.Context, in *complianceIn) (*body[wire.FirmwareCompliance], error) {
	if in.Rack != "" {
		if err := s.atRack(ctx, access.Read, in.Rack); err != nil {
			return nil, err
		}
		if _, err := s.Store.Rack(ctx, in.Rack); err != nil {
			return nil, err
		}
	}
	machines, err := s.Store.FirmwareMachines(ctx, store.MachineFilter{Rack: in.Rack, Model: in.Model, Scope: scopeOf(ctx)})
	if err != nil {
		return nil, err
	}
	files, err := s.Store.FirmwareFiles(ctx)
	if err != nil {
		return nil, err
	}
	out := wire.FirmwareCompliance{Machines: []firmware.Compliance{}}
	for _, m := range machines {
		out.Machines = append(out.Machines, firmware.Comply(m, files))
	}
	out.Racks = firmware.Tallies(out.Machines)
	return &body[wire.FirmwareCompliance]{out}, nil
}

func (s *server) updateFirmware(ctx context.Context, in *struct {
	MachineIn
	Body wire.FirmwareUpdate
}) (*begun, error) {
	t, choice, err := s.firmwareOf(ctx, in.Machine, &in.Body)
	if err != nil {
		return nil, err
	}
	out := wire.FirmwareSteps{DryRun: true, Already: choice.Already, Order: t.order, Steps: []deploy.Step{}, Resets: firmware.Resets(choice.Picks), Lacks: choice.Lacks, Ahead: choice.Ahead}
	if len(choice.Lacks) > 0 && !in.Body.DryRun && (!in.Body.Partial || len(choice.Picks) == 0) {
		return nil, lacking(t.machine.Name, choice)
	}
	if len(choice.Picks) == 0 {
		return &begun{Status: http.StatusOK, Body: out}, nil
	}
	if !in.Body.DryRun {
		return s.start(ctx, t, false)
	}
	if out.Steps, err = deploy.Plan(deploy.Firmware, deploy.Subject{Machine: *t.machine, Order: t.order}); err != nil {
		return nil, err
	}
	return &begun{Status: http.StatusOK, Body: out}, nil
}

// firmwareOf chooses the files for a machine.
func (s *server) firmwareOf(ctx context.Context, machine string, in *wire.FirmwareUpdate) (task, firmware.Choice, error) {
	fm, m, err := s.Store.FirmwareMachine(ctx, machine)
	if err != nil {
		return task{}, firmware.Choice{}, err
	}
	files, err := s.Store.FirmwareFiles(ctx)
	if err != nil {
		return task{}, firmware.Choice{}, err
	}
	choice := firmware.Choose(*fm, files, firmware.Wish{File: in.File, Downgrade: in.Downgrade})
	order := deploy.Order{Firmware: &deploy.FirmwareOrder{Files: choice.Picks, Active: in.Active}}
	return task{kind: deploy.Firmware, machine: m, order: order}, choice, nil
}

// toFirmware is the update of one of many: one that has what it is to have is in nobody's
// way.
func (s *server) toFirmware(ctx context.Context, machine string, in *wire.FirmwareUpdate, _ bool) (task, error) {
	t, choice, err := s.firmwareOf(ctx, machine, in)
	if err == nil && len(choice.Lacks) > 0 && (!in.Partial || len(choice.Picks) == 0) {
		err = lacking(t.machine.Name, choice)
	}
	t.already = len(choice.Picks) == 0
	return t, err
}

// lacking names what is missing to bring a machine where it is to be.
func lacking(machine string, c firmware.Choice) error {
	var all []string
	for _, l := range c.Lacks {
		all = append(all, strings.TrimPrefix(strings.TrimSpace(l.Component+" "+l.To)+": "+l.Why, ": "))
	}
	hint := "'rackwright firmware add' adds a file; 'rackwright firmware compliance' shows what each machine lacks"
	if c.Unseen() {
		hint = "its BMC is read once it is discovered, and daily; 'rackwright bmc firmware " + machine + "' asks it now"
	}
	if len(c.Picks) > 0 {
		hint += "; partial (--partial) does the rest"
	}
	return fault.Conflictf("%s cannot be brought there: %s", machine, strings.Join(all, "; ")).WithHint("%s", hint)
}

func (s *server) removeFirmware(ctx context.Context, in *struct {
	FirmwareIn
	TryIn
}) (*removed, error) {
	was, err := s.Store.FirmwareFile(ctx, in.File)
	if err != nil {
		return nil, err
	}
	if !in.DryRun {
		if err := s.second(ctx, audit.Touched{ID: was.Digest, Name: was.Name}); err != nil {
			return nil, err
		}
	}
	f, err := tried(ctx, s, in.DryRun, func(ctx context.Context) (*firmware.File, error) {
		return s.Store.RemoveFirmware(ctx, in.File, actor(ctx))
	})
	if err == nil && !in.DryRun && s.FirmwareBytes != nil {
		err = s.FirmwareBytes.Forget(context.WithoutCancel(ctx), f.Digest)
	}
	return removedOf(in.DryRun, f, err)
}

// addFirmware streams the body to the disk.
func (s *server) addFirmware(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	f, err := s.takeFirmware(r, control)
	if err != nil {
		s.refuseUpload(w, r, control, err)
		return
	}
	_ = control.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", wire.Prefix+"/firmware/"+f.Name)
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(f)
}

func (s *server) takeFirmware(r *http.Request, control *http.ResponseController) (*firmware.File, error) {
	f, sum, err := firmwareQuery(r.URL.Query())
	if err == nil {
		err = octets(r)
	}
	if err != nil {
		return nil, err
	}
	if s.FirmwareBytes == nil {
		return nil, fault.Invalidf("this server keeps no firmware files")
	}
	if f.Digest, f.Size, err = s.FirmwareBytes.Put(r.Context(), &patient{body: r.Body, control: control}, sum); err != nil {
		return nil, err
	}
	if err := s.Store.AddFirmware(r.Context(), f, actor(r.Context())); err != nil {
		return nil, errors.Join(err, s.FirmwareBytes.Forget(context.WithoutCancel(r.Context()), f.Digest))
	}
	if !s.FirmwareBytes.Has(f.Digest) { // a file of the same bytes was removed at this moment
		_, err := s.Store.RemoveFirmware(context.WithoutCancel(r.Context()), f.Name, actor(r.Context()))
		return nil, errors.Join(err, fault.Conflictf("a file with the same bytes was just removed").WithHint("send it again"))
	}
	return f, nil
}

// firmwareQuery reads the description of a file, naming every bad parameter.
func firmwareQuery(q url.Values) (*firmware.File, string, error) {
	f := &firmware.File{Name: q.Get("name"), Component: q.Get("component"), Version: q.Get("version"), Vendor: q.Get("vendor"), Models: q["model"], From: q["from"],
		Reset: firmware.Reset(q.Get("reset")), Original: q.Get("original")}
	bad := &fault.Error{Kind: fault.Invalid, Message: "the description of the firmware file is wrong", Hint: "'rackwright firmware add --help' has an example"}
	for _, text := range q["requires"] {
		n, err := firmware.ParseNeed(text)
		if err != nil {
			bad.Fields = append(bad.Fields, fault.Field{Path: "query.requires", Message: err.Error()})
			continue
		}
		f.Requires = append(f.Requires, n)
	}
	sum := strings.ToLower(strings.TrimPrefix(q.Get("sha256"), "sha256:"))
	if sum != "" && !sha256Hex.MatchString(sum) {
		bad.Fields = append(bad.Fields, fault.Field{Path: "query.sha256", Message: "is not 64 hexadecimal digits"})
	}
	if f.Original == "" {
		f.Original = f.Name + ".bin"
	}
	if e, is := errors.AsType[*fault.Error](f.Complete()); is {
		for _, field := range e.Fields {
			bad.Fields = append(bad.Fields, fault.Field{Path: "query." + field.Path, Message: field.Message})
		}
	}
	if len(bad.Fields) > 0 {
		slices.SortFunc(bad.Fields, func(a, b fault.Field) int { return strings.Compare(a.Path, b.Path) })
		return nil, "", bad
	}
	return f, sum, nil
}

// describeFirmwareUpload describes the route that huma does not serve; see describeUpload.
func (s *server) describeFirmwareUpload() {
	o := op(http.MethodPost, "/firmware", "add-firmware", "Add a firmware file as the vendor ships it")
	o.Tags = []string{"firmware"}
	s.describe(&o)
	o.Responses["201"] = jsonResponse[firmware.File](s, "The file in the catalogue")
	text := &huma.Schema{Type: huma.TypeString}
	several := &huma.Schema{Type: huma.TypeArray, Items: text}
	for _, p := range []struct {
		name, doc string
		schema    *huma.Schema
		needed    bool
	}{
		{"name", "Unique name", text, true}, {"component", "bios, bmc, or as in a model's baseline", text, true},
		{"version", "What the component says when the file is on it", text, true}, {"vendor", "Of the machine", text, false},
		{"model", "Machine models it is for; a * at the end matches the rest", several, false},
		{"from", "Versions it may be put on; a * at the end matches the rest", several, false},
		{"requires", "COMPONENT=VERSION that another component must have at least", several, false},
		{"reset", "What makes it run: host, bmc or none", text, false}, {"original", "The vendor's file name", text, false},
		{"sha256", "SHA-256 of the body in hexadecimal; the upload is refused when it is another", text, false},
	} {
		o.Parameters = append(o.Parameters, &huma.Param{Name: p.name, In: "query", Required: p.needed, Schema: p.schema, Description: p.doc})
	}
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
	s.huma.OpenAPI().AddOperation(&o)
}
