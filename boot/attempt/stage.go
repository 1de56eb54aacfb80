package attempt

import "time"

// Stage is how far a boot came.
type Stage string

// The stages in the order the wire sees them. Not every way has all of them: HTTP boot has
// no TFTP, an option ROM that is iPXE has no loader.
const (
	Power     Stage = "power"      // its BMC was told to start it
	Discover  Stage = "discover"   // it asks for an address
	Offer     Stage = "offer"      // it was offered one
	Ack       Stage = "ack"        // it has one
	Loader    Stage = "loader"     // its firmware fetched the loader whole
	IPXE      Stage = "ipxe"       // the loader asks for an address
	Script    Stage = "script"     // the loader was given its script
	Kernel    Stage = "kernel"     // a kernel came over whole
	Ramdisk   Stage = "ramdisk"    // a ramdisk came over whole
	LocalDisk Stage = "local-disk" // it was told to boot its own disk, or did so by itself
	Agent     Stage = "agent"      // the agent checked in
	Installer Stage = "installer"  // an installer fetched its answers
	FirstBoot Stage = "first-boot" // the deployed system said something
)

// Stages are all there are, in order.
func Stages() []Stage {
	return []Stage{Power, Discover, Offer, Ack, Loader, IPXE, Script, Kernel, Ramdisk, LocalDisk, Agent, Installer, FirstBoot}
}

// Result is what became of a boot.
type Result string

// The results.
const (
	Going   Result = "going"   // something was seen of it a short while ago
	Booted  Result = "booted"  // the agent, an installer or the system runs
	Own     Result = "disk"    // it boots its own disk
	Stopped Result = "stopped" // nothing more was seen of it
)

// Passed is a stage that a boot came through.
type Passed struct {
	Stage Stage     `json:"stage" enum:"power,discover,offer,ack,loader,ipxe,script,kernel,ramdisk,local-disk,agent,installer,first-boot"`
	At    time.Time `json:"at" doc:"When it was first reached"`
	MS    int64     `json:"ms" doc:"Since the stage before it was reached"`
}

// Attempt is one try of a machine to boot.
type Attempt struct {
	ID        int64     `json:"id" doc:"Of the first of its events"`
	Last      int64     `json:"last_event" doc:"Of the last"`
	Begin     time.Time `json:"begin"`
	End       time.Time `json:"end" doc:"When something was last seen of it"`
	Cause     string    `json:"cause" enum:"bmc,discover,seen" doc:"What began it: its BMC was told to start it, it asked for an address, or something else was seen of it"`
	Client    string    `json:"client,omitempty" doc:"As what it began to ask: pxe, http, ipxe or os"`
	Arch      string    `json:"arch,omitempty" doc:"Its firmware, as it says"`
	Stage     Stage     `json:"stage" enum:"power,discover,offer,ack,loader,ipxe,script,kernel,ramdisk,local-disk,agent,installer,first-boot" doc:"How far it came"`
	Stages    []Passed  `json:"stages" nullable:"false" doc:"In the order they were reached"`
	Result    Result    `json:"result" enum:"going,booted,disk,stopped"`
	Script    string    `json:"script,omitempty" doc:"Which script its loader was last given"`
	Servers   []string  `json:"servers,omitempty" nullable:"false" doc:"DHCP servers that were seen to answer it: ours, and addresses of others"`
	Operation string    `json:"operation,omitempty" doc:"That it was for"`
	Bytes     int64     `json:"bytes" doc:"Sent to it by TFTP and HTTP"`
	Retries   int64     `json:"retries" doc:"Messages it sent again, and blocks that were sent again"`
	Events    int       `json:"events" doc:"How many there are of it"`

	story []told // in order
}

// Ended reports whether it came to a good end.
func (a *Attempt) Ended() bool { return a.Result == Booted || a.Result == Own }

// reached reports whether it came through a stage.
func (a *Attempt) reached(s Stage) bool {
	for _, p := range a.Stages {
		if p.Stage == s {
			return true
		}
	}
	return false
}
