package deploy

// Order is what was asked for.
type Order struct {
	Image     string            `json:"image,omitempty" doc:"Image name"`
	Digest    string            `json:"digest,omitempty" doc:"Image digest, fixed when the operation was made"`
	SSHKeys   []string          `json:"ssh_keys,omitempty" nullable:"false" doc:"authorized_keys lines for the default user"`
	UserData  string            `json:"user_data,omitempty" doc:"cloud-init user-data, or an Ignition configuration"`
	Method    Method            `json:"method,omitempty" enum:"disk,rootfs,installer,netboot,live,iso,local" doc:"How the system comes to the machine; of deployments"`
	Seed      string            `json:"seed,omitempty" enum:"nocloud,config-drive,ignition,none" doc:"Form of the first-boot configuration; empty is nocloud"`
	Answers   string            `json:"answers,omitempty" doc:"Template of the installer's answers, instead of the image's own"`
	Vars      map[string]string `json:"vars,omitempty" doc:"Values for templates"`
	Mirror    bool              `json:"mirror,omitempty" doc:"The system goes on two disks, as RAID 1"`
	Kexec     bool              `json:"kexec,omitempty" doc:"The system is started without a reboot where that is possible"`
	Overwrite []string          `json:"overwrite,omitempty" nullable:"false" doc:"Serials of disks whose data, whatever it is, is given up"`
	Rollout   string            `json:"rollout,omitempty" doc:"Id of the rollout it belongs to"`

	Power   string `json:"power,omitempty" enum:"on,off,force-off,cycle,reset" doc:"For power operations"`
	Locate  string `json:"locate,omitempty" enum:"on,off" doc:"For locate operations"`
	Seconds int    `json:"seconds,omitempty" doc:"How long the locator LED blinks"`

	BMC      *BMCOrder      `json:"bmc,omitempty" doc:"For bmc operations"`
	Claim    *ClaimOrder    `json:"claim,omitempty" doc:"For claim operations"`
	Firmware *FirmwareOrder `json:"firmware,omitempty" doc:"For firmware operations"`
	Erase    *EraseOrder    `json:"erase,omitempty" doc:"For erase operations"`
	Burn     *BurnOrder     `json:"burn,omitempty" doc:"For burn-in operations"`
	Rescue   *RescueOrder   `json:"rescue,omitempty" doc:"For rescue operations"`
}

// MaxUserData bounds an order's user-data, in bytes: what clouds hand to cloud-init and
// Ignition is less, and an agent's message has room for it in any coding.
const MaxUserData = 256 << 10

// Method is how a deployment brings its system to the machine.
type Method string

// The methods. Which it is follows from the image's kind.
const (
	ByDisk    Method = "disk"      // an image written to the disk by the agent
	ByRootFS  Method = "rootfs"    // a root file system unpacked to the disk by the agent
	ByInstall Method = "installer" // the system's own installer, with answers rendered for the machine
	ByNetboot Method = "netboot"   // a system that the loader starts and that runs in memory
	ByLive    Method = "live"      // a root file system that the agent runs in memory
	ByMedia   Method = "iso"       // an ISO image through the BMC's virtual drive
	ByLocal   Method = "local"     // what is on the disk already
)

// EraseOrder says what is erased and how.
type EraseOrder struct {
	Disks   []string `json:"disks,omitempty" nullable:"false" doc:"Serials; none: every disk of the machine"`
	Methods []string `json:"methods,omitempty" nullable:"false" doc:"Methods allowed; none: the strongest that each disk has"`
}

// BurnOrder says what is worked and for how long.
type BurnOrder struct {
	Seconds int      `json:"seconds" doc:"How long the tests work, together"`
	Tests   []string `json:"tests,omitempty" nullable:"false" doc:"cpu, memory, disk, network; none: all"`
	Write   bool     `json:"write,omitempty" doc:"Disks are written too, which destroys what they hold"`
	Active  bool     `json:"active,omitempty" doc:"Also when the machine is active: it is restarted"`
}

// RescueOrder lets a person in.
type RescueOrder struct {
	Keys    []string `json:"keys" nullable:"false" doc:"authorized_keys lines that may log in this once"`
	Seconds int      `json:"seconds" doc:"How long the machine stays so"`
	Serial  bool     `json:"serial,omitempty" doc:"A shell on the serial console as well"`
}
