package bmc

import (
	"context"
	"io"
)

// Component is a piece of firmware that the BMC lists.
type Component struct {
	ID        string `json:"id" doc:"In Redfish's FirmwareInventory"`
	Name      string `json:"name" doc:"bios, bmc, or as in inventory.Version"`
	Version   string `json:"version"`
	Updatable bool   `json:"updatable"`
}

// Update is a firmware file on its way to a BMC. URI is where the BMC can fetch it
// (SimpleUpdate), Open reads it for a push; a BMC that can do both is pushed to. Open may
// be called again and starts from the beginning.
type Update struct {
	Name    string // file name, as the BMC shall see it
	Size    int64  // bytes
	Open    func() (io.ReadCloser, error)
	URI     string
	Targets []string // ids in the firmware inventory; empty: the BMC finds out
	OnReset bool     // stage it for the next reset of the machine where the BMC can
}

// TaskState is how far a BMC is with something.
type TaskState string

// The states.
const (
	TaskRunning TaskState = "running"
	TaskWaiting TaskState = "waiting" // for the machine's reset
	TaskDone    TaskState = "done"
	TaskFailed  TaskState = "failed"
	TaskLost    TaskState = "lost" // the BMC does not know it any more; judge by the effect
)

// Task is work that a BMC does by itself.
type Task struct {
	ID      string    `json:"id"`
	State   TaskState `json:"state" enum:"running,waiting,done,failed,lost"`
	Percent int       `json:"percent,omitempty"`
	Message string    `json:"message,omitempty" doc:"What the BMC says, in one line"`
}

// Updater changes firmware.
type Updater interface {
	// Components lists the firmware that can be told apart.
	Components(ctx context.Context) ([]Component, error)
	// StartUpdate hands a file over and returns the task; its id is for Task, also from
	// another session. A push is streamed: memory does not grow with the file. A task with
	// state done and no id is one that ended at once. It is never sent twice: Unreachable
	// means that it may have been taken, which the versions tell.
	StartUpdate(ctx context.Context, u Update) (Task, error)
	// Task reads how far it is.
	Task(ctx context.Context, id string) (Task, error)
}
