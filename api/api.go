// Package api is the REST interface, a file per noun: it decodes, asks the store,
// encodes. It holds no rule of the domain and no SQL.
package api

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"rackwright/api/wire"
	"rackwright/bmc"
	"rackwright/images"
)

//go:generate go run rackwright/cmd/rackwright openapi --out openapi.json

// Options is the world of the interface.
type Options struct {
	Store    Store
	Importer Importer
	// Forget is told of an image whose record is gone, or never came to be: it drops the
	// bytes unless another record has the digest. Nil keeps them.
	Forget  func(ctx context.Context, img images.Image) error
	Depot   Depot     // nil: this server does not look after image bytes
	Uploads Uploads   // nil: files come in one request only
	BMC     bmc.Hands // nil: this server speaks to no BMC
	Lines   Lines     // nil: nobody tells how things stand with BMCs

	Tickets       Tickets       // for chunks; nil: they are sent by the agents' TLS only
	Consoles      Consoles      // nil: this server reads no consoles
	FirmwareBytes FirmwareBytes // nil: this server keeps no firmware files

	CertificateKey ed25519.PublicKey // of certificates of erased disks; nil: none are made
	BootURL        string            // of the boot server, for previews; "": it depends on who asks

	Log       *slog.Logger
	Version   string           // of the server, for GET /health
	Now       func() time.Time // nil is time.Now
	Heartbeat time.Duration    // between comments on an idle event stream; 0 is 15 s
}

// server is the interface with its world.
type server struct {
	Options
	huma huma.API
}

// New returns the handler of everything under /api/v1. Streams and long polls end when
// their request's context does: give http.Server a BaseContext that ends at shutdown.
func New(o Options) http.Handler {
	mux, _ := build(o)
	return mux
}

func build(o Options) (*chi.Mux, huma.API) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	s := &server{Options: o}
	mux := chi.NewMux()
	mux.Use(s.begin, s.recover, s.authenticate, s.readable)
	mux.NotFound(s.noRoute)
	mux.MethodNotAllowed(s.noMethod)
	s.huma = humachi.New(mux, s.config())
	s.health()
	s.machines()
	s.actions()
	s.rescues()
	s.previews()
	s.bmcs()
	s.claims()
	s.life()
	s.networks()
	s.drawings()
	s.racks()
	s.slots()
	s.racking()
	s.scans()
	s.verification()
	s.plans()
	s.exports()
	s.schemas()
	s.images(mux)
	s.firmwares(mux)
	s.campaigns()
	s.burnIns()
	s.certificates()
	s.caches()
	s.rollouts()
	s.consoles()
	s.operations()
	s.events()
	s.finishDocument()
	return mux, s.huma
}

// config leaves out what huma would add: schema links, and a docs page that loads
// scripts from a public server.
func (s *server) config() huma.Config {
	c := huma.DefaultConfig("Rackwright", "1")
	c.CreateHooks = nil
	c.DocsPath, c.SchemasPath = "", ""
	c.OpenAPIPath = wire.Prefix + "/openapi"
	c.RejectUnknownQueryParameters = true
	c.Components = &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName)}
	c.Formats = map[string]huma.Format{"application/json": jsonFormat(), "json": jsonFormat()}
	c.Transformers = []huma.Transformer{s.asProblem}
	return c
}

// op starts the description of a route. GET needs the right to read, everything else
// the right to change; see authenticate.
func op(method, path, id, summary string) huma.Operation {
	return huma.Operation{Method: method, Path: wire.Prefix + path, OperationID: id, Summary: summary, MaxBodyBytes: wire.MaxBody,
		BodyReadTimeout: 30 * time.Second}
}

// route registers a handler whose faults become problems.
func route[I, O any](s *server, o huma.Operation, h func(context.Context, *I) (*O, error)) {
	s.describe(&o)
	huma.Register(s.huma, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, s.refuse(ctx, err)
		}
		return out, nil
	})
}

// body is an answer with nothing but a body.
type body[T any] struct{ Body T }

// listOf answers a whole list.
func listOf[T any](items []T, err error) (*body[wire.List[T]], error) {
	if err != nil {
		return nil, err
	}
	if items == nil {
		items = []T{}
	}
	return &body[wire.List[T]]{wire.List[T]{Items: items}}, nil
}
