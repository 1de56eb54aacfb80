// Package api is the REST interface, a file per noun: it decodes, asks the store,
// encodes. It holds no rule of the domain and no SQL.
package api

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"rackwright/access/guard"
	"rackwright/api/wire"
	"rackwright/bmc"
	"rackwright/images"
	"rackwright/webhook"
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

	Traces         Traces             // the last DHCP packets; nil: this server keeps none
	Name           string             // of this server process, for answers from its memory
	Explain        *Explain           // what answers machines; nil: this server answers none
	AuditKey       ed25519.PrivateKey // signs heads of the audit; nil: they are not signed
	TwoPersonsOver int                // destroying more machines than this within an hour needs a second person; 0: never

	Receivers *webhook.Allow // of webhooks; nil: where they are is seen when something is sent

	Logins Logins // nil: nobody logs in, people have tokens

	Vouch func(*tls.ConnectionState) bool // whether the authority of a client certificate still counts; nil: as when it connected

	Guard *guard.Guard // against who asks too often, or guesses; nil: nothing is limited

	Log       *slog.Logger
	Version   string           // of the server, for GET /health
	Now       func() time.Time // nil is time.Now
	Heartbeat time.Duration    // between comments on an idle event stream; 0 is 15 s
	Patience  time.Duration    // with a reader that takes nothing of an answer; 0 is 30 s
	Streams   int              // that one caller may follow at once; 0: any number
}

// server is the interface with its world.
type server struct {
	Options
	huma    huma.API
	live    *streams
	inner   *chi.Mux // GET routes, for questions from inside
	coders  *coders
	process string // names this server process
	history history

	mux      *chi.Mux // of all routes, for requests that waited for a second person
	refusals refusals // entered in the audit
}

// New returns the handler of everything under /api/v1. Streams and long polls end when
// their request's context does: give http.Server a BaseContext that ends at shutdown.
func New(o Options) http.Handler {
	mux, _ := build(o)
	return mux
}

// strictly has huma take members by their exact names only, as its description has them: its
// switch is the process's.
var strictly = sync.OnceFunc(func() { huma.ValidateStrictCasing = true })

func build(o Options) (*chi.Mux, huma.API) {
	strictly()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Guard == nil {
		o.Guard = guard.New(guard.Limits{}, o.Now)
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.Patience == 0 {
		o.Patience = answerLimit
	}
	s := &server{Options: o, inner: chi.NewMux(), coders: newCoders(), process: uuid.NewString()}
	s.live = s.newStreams()
	mux := chi.NewMux()
	s.mux = mux
	mux.Use(s.begin, s.recover, s.mannered, s.accountable, s.authenticate, s.readable, s.entered)
	mux.NotFound(s.noRoute)
	mux.MethodNotAllowed(s.noMethod)
	s.huma = huma.NewAPI(s.config(), readers{humachi.NewAdapter(mux), s.inner})
	s.health()
	s.machines()
	s.actions()
	s.rescues()
	s.previews()
	s.bmcs()
	s.claims()
	s.life()
	s.networks()
	s.sites()
	s.drawings()
	s.traces()
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
	s.ladders()
	s.rollouts()
	s.consoles()
	s.tokens()
	s.sessions()
	s.operations()
	s.stateStreams()
	s.webhooks()
	s.events()
	s.auditing()
	s.approvals()
	s.explanations()
	s.docs()
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
	c.Components = &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName)}
	c.Formats = map[string]huma.Format{"application/json": jsonFormat(), "json": jsonFormat()}
	c.Transformers = []huma.Transformer{s.asProblem}
	return c
}

// op starts the description of a route. What it needs stands in needs.
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
