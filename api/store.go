package api

import (
	"context"
	"time"

	"rackwright/deploy"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/inventory/racking"
	"rackwright/journal"
	"rackwright/store"
)

// Store is what the interface asks of the database. Every method returns a fault of
// the kind the caller is to see; machines, images are named by id or by name.
type Store interface {
	machineStore
	togetherStore
	lifeStore
	networkStore
	siteStore
	leaseStore
	verifyStore
	planStore
	imageStore
	pageStore
	onceStore
	operationStore
	rackingStore
	eventStore
	claimStore
	firmwareStore
	burnStore
	certificateStore
	cacheStore
	ladderStore
	jobStore
	webhookStore
	fleetStore
	accessStore
	sessionStore
	auditStore
	approvalStore
	// Ping returns Unreachable when the database does not answer.
	Ping(ctx context.Context) error
}

type machineStore interface {
	// MachinePage is sorted by name and begins behind the filter's After. A page may be short while more follow
	// behind next.
	MachinePage(ctx context.Context, f store.MachineFilter) (page []inventory.Machine, next string, err error)
	Machine(ctx context.Context, idOrName string) (*inventory.Machine, error)
}

type lifeStore interface {
	Identifiers(ctx context.Context, machineID string) ([]inventory.Identifier, error)
	// History is newest first.
	History(ctx context.Context, idOrName string) ([]inventory.Machine, error)
	// Hold is Conflict while somebody else holds the machine or work on it runs; 0 is the usual time.
	Hold(ctx context.Context, idOrName, reason string, long time.Duration, actor string) (*inventory.Machine, error)
	// ReleaseHold is Conflict for another than the holder, unless it is an admin.
	ReleaseHold(ctx context.Context, idOrName, actor string, admin bool) (*inventory.Machine, error)
	// Retire and Replace are Conflict while an operation is open.
	Retire(ctx context.Context, idOrName string, r inventory.Retirement, actor string) (*inventory.Machine, error)
	Replace(ctx context.Context, idOrName string, r inventory.Replacement, actor string) (*inventory.Machine, error)
}

type networkStore interface {
	Racks(ctx context.Context) ([]inventory.Rack, error)
	Rack(ctx context.Context, name string) (*inventory.Rack, error)
	// Devices are those of one rack, "" for all.
	Devices(ctx context.Context, rack string) ([]inventory.Device, error)
	Projects(ctx context.Context) ([]inventory.Project, error)
	Networks(ctx context.Context) ([]inventory.Network, error)
	Leases(ctx context.Context) ([]inventory.Lease, error)
}

type verifyStore interface {
	Models(ctx context.Context) ([]inventory.Model, error)
	// Observations are what each source last saw, by machine id.
	Observations(ctx context.Context, machineIDs []string) (map[string][]inventory.Facts, error)
	// Parts are newest first.
	Parts(ctx context.Context, f store.PartFilter) ([]inventory.Part, error)
	// Waive is NotFound when the machine has no such condition, Invalid when it is none that can be waived.
	Waive(ctx context.Context, idOrName string, w inventory.Waiver, actor string) (*inventory.Machine, error)
	Unwaive(ctx context.Context, idOrName, rule, on, actor string) (*inventory.Machine, error)
}

type planStore interface {
	// DiffPlan changes nothing. Invalid and Conflict name every bad field.
	DiffPlan(ctx context.Context, p plan.Plan) (*plan.Diff, error)
	// Inventory is everything there is, RackInventory one rack and what it uses.
	Inventory(ctx context.Context) (*inventory.Inventory, error)
	RackInventory(ctx context.Context, rack string) (*inventory.Inventory, error)
	// SwitchMates are the machines of other racks on the switches of the rack's machines.
	SwitchMates(ctx context.Context, rack string, limit int) ([]inventory.Machine, error)
	// ApplyPlan is Conflict when hash is given and is not the hash of the changes it would make.
	ApplyPlan(ctx context.Context, p plan.Plan, hash, actor string) (*plan.Diff, error)
}

type imageStore interface {
	Images(ctx context.Context) ([]images.Image, error)
	Image(ctx context.Context, idOrName string) (*images.Image, error)
	// AddImage is Conflict when the name is taken by another digest.
	AddImage(ctx context.Context, img *images.Image, actor string) error
	// RemoveImage is Conflict while an operation needs the image.
	RemoveImage(ctx context.Context, idOrName, actor string) (*images.Image, error)
	// ImageImports are newest first.
	ImageImports(ctx context.Context, p store.Page) ([]images.Import, error)
	ImageImport(ctx context.Context, id string) (*images.Import, error)
	CreateImageImport(ctx context.Context, i *images.Import) error
	// RemoveImageImport ends an import that runs.
	RemoveImageImport(ctx context.Context, id string) error
	// NoteUpload queues the import when done is size; size is 0 while it is not known.
	NoteUpload(ctx context.Context, id string, done, size int64) error
}

type operationStore interface {
	// CreateOperation is Conflict when one is open on the machine already.
	CreateOperation(ctx context.Context, kind deploy.Kind, machine string, order deploy.Order, actor string) (*deploy.Operation, error)
	// CreateOperations makes all or none; failed is the index of the one that cannot be made.
	CreateOperations(ctx context.Context, list []store.Work, actor string) (out []*deploy.Operation, failed int, err error)
	Operation(ctx context.Context, id string) (*deploy.Operation, error)
	// Operations are newest first.
	Operations(ctx context.Context, f store.OperationFilter) ([]deploy.Operation, error)
	CancelOperation(ctx context.Context, id, actor string) (*deploy.Operation, error)
	RetryOperation(ctx context.Context, id, actor string) (*deploy.Operation, error)
}

type rackingStore interface {
	// RackView is what is known of one rack.
	RackView(ctx context.Context, rack string) (*racking.View, error)
	// MarkStep does what a person does to a step of a machine or device of the rack.
	MarkStep(ctx context.Context, rack, owner string, step racking.StepName, action racking.Action, reason, actor string) error
	// SlotHistory is what retired from the rack, the last first.
	SlotHistory(ctx context.Context, rack string) ([]racking.Past, error)
	// ScanCodes changes nothing unless confirm is set; what contradicts the plan is then Conflict.
	ScanCodes(ctx context.Context, codes []string, rack string, spot *racking.Spot, confirm bool, actor string) (*racking.Scan, error)
	// SignOffRack is Conflict while a step is open.
	SignOffRack(ctx context.Context, rack, note, actor string) (*racking.SignOff, error)
	// SignOffs are newest first.
	SignOffs(ctx context.Context, rack string, p store.Page) ([]racking.SignOff, error)
	SignOff(ctx context.Context, rack, id string) (*racking.SignOff, error)
}

type eventStore interface {
	Events(ctx context.Context, f store.EventFilter) ([]journal.Event, error)
	// NewEvents signals that events were appended; a signal may be missed, so readers
	// also look each second. The function ends it.
	NewEvents() (<-chan struct{}, func())
	streamStore
}
