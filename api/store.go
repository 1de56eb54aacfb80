package api

import (
	"context"
	"io"

	"rackwright/access"
	"rackwright/deploy"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Store is what the interface asks of the database. Every method returns a fault of
// the kind the caller is to see; machines, images are named by id or by name.
type Store interface {
	machineStore
	networkStore
	planStore
	imageStore
	operationStore
	eventStore
	// TokenRole returns whose secret it is; Denied when it is nobody's.
	TokenRole(ctx context.Context, secret string) (access.Token, error)
	// Ping returns Unreachable when the database does not answer.
	Ping(ctx context.Context) error
}

type machineStore interface {
	// Machines are sorted by name and begin behind the filter's After.
	Machines(ctx context.Context, f store.MachineFilter) ([]inventory.Machine, error)
	Machine(ctx context.Context, idOrName string) (*inventory.Machine, error)
}

type networkStore interface {
	Racks(ctx context.Context) ([]inventory.Rack, error)
	Networks(ctx context.Context) ([]inventory.Network, error)
	Leases(ctx context.Context) ([]inventory.Lease, error)
}

type planStore interface {
	// DiffPlan changes nothing. Invalid and Conflict name every bad field.
	DiffPlan(ctx context.Context, p inventory.Plan) (*inventory.Diff, error)
	// ApplyPlan is Conflict when hash is given and is not the hash of the changes it would make.
	ApplyPlan(ctx context.Context, p inventory.Plan, hash, actor string) (*inventory.Diff, error)
}

type imageStore interface {
	Images(ctx context.Context) ([]images.Image, error)
	Image(ctx context.Context, idOrName string) (*images.Image, error)
	// AddImage is Conflict when the name is taken by another digest.
	AddImage(ctx context.Context, img *images.Image, actor string) error
	// RemoveImage is Conflict while an operation needs the image.
	RemoveImage(ctx context.Context, idOrName, actor string) (*images.Image, error)
}

type operationStore interface {
	// CreateOperation is Conflict when one is open on the machine already.
	CreateOperation(ctx context.Context, kind deploy.Kind, machine string, order deploy.Order, actor string) (*deploy.Operation, error)
	Operation(ctx context.Context, id string) (*deploy.Operation, error)
	// Operations are newest first.
	Operations(ctx context.Context, f store.OperationFilter) ([]deploy.Operation, error)
	CancelOperation(ctx context.Context, id, actor string) (*deploy.Operation, error)
	RetryOperation(ctx context.Context, id, actor string) (*deploy.Operation, error)
}

type eventStore interface {
	Events(ctx context.Context, f store.EventFilter) ([]journal.Event, error)
	// NewEvents signals that events were appended; a signal may be missed, so readers
	// also look each second. The function ends it.
	NewEvents() (<-chan struct{}, func())
}

// Importer takes the bytes of an image as they come and returns what it found in them,
// not yet recorded. It holds no more than a part of them in memory, and refuses bytes
// whose SHA-256 is not the given one (hexadecimal, "" for any) as Invalid.
type Importer interface {
	Import(ctx context.Context, r io.Reader, name, sha256 string) (*images.Image, error)
}
