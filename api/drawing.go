package api

import (
	"context"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/inventory"
	"rackwright/inventory/draw"
)

// Types of drawings.
const (
	typeSVG = "image/svg+xml"
	typePDF = "application/pdf"
)

// drawing is a picture as bytes. A browser that opens it runs nothing and fetches nothing.
type drawing struct {
	ContentType string `header:"Content-Type"`
	Policy      string `header:"Content-Security-Policy"`
	Sniff       string `header:"X-Content-Type-Options"`
	Body        []byte
}

func drawn(kind string, bytes []byte, err error) (*drawing, error) {
	if err != nil {
		return nil, err
	}
	return &drawing{ContentType: kind, Policy: "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'", Sniff: "nosniff", Body: bytes}, nil
}

type elevationIn struct {
	Rack  string         `path:"rack" minLength:"1" maxLength:"63" doc:"Rack name"`
	Face  inventory.Face `query:"face" enum:"front,rear,both" default:"both" doc:"Which side of the rack"`
	Links bool           `query:"links" doc:"Each machine is a link to its page in this interface"`
}

// SheetIn is the paper labels are printed on.
type SheetIn struct {
	Width   float64 `query:"width" minimum:"0" maximum:"1000" doc:"Of a label, millimetres; default 62"`
	Height  float64 `query:"height" minimum:"0" maximum:"1000" doc:"Of a label, millimetres; default 29"`
	Columns int     `query:"columns" minimum:"0" maximum:"20" doc:"Labels side by side on a sheet of A4; 0: a page for each label"`
	Rows    int     `query:"rows" minimum:"0" maximum:"100" doc:"Labels one below the other on a sheet of A4; default 8"`
}

func (in SheetIn) sheet() draw.Sheet {
	s := draw.DefaultLabel()
	if in.Columns > 0 {
		if in.Rows == 0 {
			in.Rows = 8
		}
		return draw.A4(in.Columns, in.Rows)
	}
	if in.Width > 0 {
		s.Width = in.Width
	}
	if in.Height > 0 {
		s.Height = in.Height
	}
	return s
}

type rackLabelsIn struct {
	Rack string `path:"rack" minLength:"1" maxLength:"63" doc:"Rack name"`
	Kind string `query:"kind" enum:"rack,slots,machines,cables" default:"machines" doc:"What is labelled: the rack, its places, what stands in it, or its cables"`
	SheetIn
}

type machineLabelIn struct {
	MachineIn
	SheetIn
}

// drawings registers pictures and labels.
func (s *server) drawings() {
	picture(s, "/racks/{rack}/elevation.svg", "draw-rack", "Elevation of a rack", typeSVG, "racks", s.elevation)
	for _, f := range []struct{ ext, kind string }{{"svg", typeSVG}, {"pdf", typePDF}} {
		picture(s, "/racks/{rack}/labels."+f.ext, "rack-labels-"+f.ext, "Labels of a rack, its units, what stands in it, or its cables, as "+f.ext, f.kind, "racks",
			func(ctx context.Context, in *rackLabelsIn) (*drawing, error) {
				inv, err := s.Store.RackInventory(ctx, in.Rack)
				if err != nil {
					return nil, err
				}
				labels, err := draw.Labels(inv, in.Rack, in.Kind)
				if err != nil {
					return nil, err
				}
				return s.print(f.kind, labels, in.sheet())
			})
		picture(s, "/machines/{machine}/label."+f.ext, "machine-label-"+f.ext, "Label of a machine, as "+f.ext, f.kind, "machines",
			func(ctx context.Context, in *machineLabelIn) (*drawing, error) {
				m, err := s.Store.Machine(ctx, in.Machine)
				if err != nil {
					return nil, err
				}
				return s.print(f.kind, []draw.Label{draw.MachineLabel(m)}, in.sheet())
			})
	}
}

// picture registers a route that answers with a drawing, or another file.
func picture[I, O any](s *server, path, id, summary, kind, tag string, h func(context.Context, *I) (*O, error)) {
	o := op("GET", path, id, summary)
	o.Tags = []string{tag}
	o.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{kind: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}}
	route(s, o, h)
}

func (s *server) elevation(ctx context.Context, in *elevationIn) (*drawing, error) {
	inv, err := s.Store.RackInventory(ctx, in.Rack)
	if err != nil {
		return nil, err
	}
	var o draw.Options
	if in.Links {
		o.Link = func(kind inventory.Kind, name string) string {
			if kind != inventory.KindMachine {
				return ""
			}
			return wire.Prefix + "/machines/" + url.PathEscape(name)
		}
	}
	svg, err := draw.Elevation(inv, in.Rack, in.Face, o)
	return drawn(typeSVG, svg, err)
}

func (s *server) print(kind string, labels []draw.Label, sheet draw.Sheet) (*drawing, error) {
	if kind == typePDF {
		pdf, err := draw.LabelsPDF(labels, sheet, s.Now())
		return drawn(kind, pdf, err)
	}
	svg, err := draw.LabelsSVG(labels, sheet)
	return drawn(kind, svg, err)
}
