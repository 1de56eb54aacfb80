package wire

import (
	"rackwright/deploy"
	"rackwright/inventory"
)

// Deploy asks for a system on a machine. How it comes there follows from the image's kind.
type Deploy struct {
	Image     string            `json:"image,omitempty" maxLength:"128" doc:"Image name or id; none only with local"`
	Local     bool              `json:"local,omitempty" doc:"Boot what is on the disk already"`
	Live      bool              `json:"live,omitempty" doc:"A root file system is run in memory instead of written to the disk"`
	SSHKeys   []string          `json:"ssh_keys,omitempty" nullable:"false" maxItems:"100" doc:"authorized_keys lines for the default user"`
	UserData  string            `json:"user_data,omitempty" maxLength:"262144" writeOnly:"true" doc:"cloud-init user-data, or an Ignition configuration; never given out again"`
	Seed      string            `json:"seed,omitempty" enum:"nocloud,config-drive,ignition,none" doc:"Form of the first-boot configuration; nocloud when nothing is said"`
	Answers   string            `json:"answers,omitempty" maxLength:"262144" writeOnly:"true" doc:"Template of the installer's answers, instead of the image's own; never given out again"`
	Vars      map[string]string `json:"vars,omitempty" maxProperties:"200" writeOnly:"true" doc:"Values for templates; never given out again, but their names are"`
	Mirror    bool              `json:"mirror,omitempty" doc:"The system goes on two disks, as RAID 1"`
	Kexec     bool              `json:"kexec,omitempty" doc:"The system is started without a reboot where that is possible"`
	Overwrite []string          `json:"overwrite,omitempty" nullable:"false" maxItems:"64" doc:"Serials of disks whose data, whatever it is, is given up"`
	DryRun    bool              `json:"dry_run,omitempty" doc:"Only say which steps it would take; templates are rendered and what they lack is said"`
}

// Preview is what a deployment would give to a machine. Secrets that are made with the
// operation stand as SECRET.
type Preview struct {
	Machine     string          `json:"machine"`
	Image       string          `json:"image,omitempty"`
	Method      deploy.Method   `json:"method" enum:"disk,rootfs,installer,netboot,live,iso,local"`
	Overwrites  string          `json:"overwrites" doc:"What is destroyed, for people"`
	Disk        *inventory.Disk `json:"disk,omitempty" doc:"The disk it would be, of those last seen"`
	DiskProblem string          `json:"disk_problem,omitempty" doc:"Why no disk can be named yet"`
	Untold      []string        `json:"untold_nics,omitempty" nullable:"false" doc:"Planned NICs whose MAC nobody knows: the system is not told of their networks"`
	Script      string          `json:"script,omitempty" doc:"What its loader is told"`
	KernelArgs  string          `json:"kernel_args,omitempty" doc:"Of a system that the loader starts itself"`
	Files       []PreviewFile   `json:"files,omitempty" nullable:"false" doc:"Answers of an installer, or first-boot configuration with the network in it"`
	Steps       []deploy.Step   `json:"steps" nullable:"false"`
}

// PreviewFile is a file that a machine would get.
type PreviewFile struct {
	Name    string `json:"name"`
	Where   string `json:"where" doc:"Address it is fetched from, or file system it is put on"`
	Content string `json:"content"`
}

// Template is a built-in template.
type Template struct {
	Name string `json:"name"`
	Form string `json:"form" enum:"none,preseed,kickstart,autoinstall,ignition"`
	For  string `json:"for" doc:"What it makes"`
	Text string `json:"text"`
}
