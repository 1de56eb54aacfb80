package bmc

import "context"

// Medium is a virtual drive.
type Medium struct {
	ID       string   `json:"id"`
	Kinds    []string `json:"kinds" nullable:"false" doc:"CD, DVD, USBStick, Floppy"`
	Image    string   `json:"image,omitempty" doc:"URL of what is in it, without user information"`
	Inserted bool     `json:"inserted"`
}

// MediaDrive puts images into virtual drives.
type MediaDrive interface {
	// Media lists the drives.
	Media(ctx context.Context) ([]Medium, error)
	// InsertMedia puts the ISO image at an http or https URL into the CD drive, in place
	// of what is in it. The same image again is no write.
	InsertMedia(ctx context.Context, image string) error
	// EjectMedia empties the CD drive. Empty is no error.
	EjectMedia(ctx context.Context) error
}
