package images

// Health is what a check of stored images found.
type Health struct {
	Images      int      `json:"images" doc:"Images looked at"`
	Chunks      int      `json:"chunks" doc:"Chunks read"`
	Files       int      `json:"files" doc:"Files read that are kept whole"`
	Bytes       int64    `json:"bytes" doc:"Read"`
	Damage      []Damage `json:"damage" nullable:"false"`
	More        int      `json:"more_damage,omitempty" doc:"Damage that is not listed"`
	Orphans     int      `json:"orphans" doc:"Chunks of no image; they are removed by and by"`
	OrphanBytes int64    `json:"orphan_bytes"`
	Unrecorded  []string `json:"unrecorded" nullable:"false" doc:"Digests of stored images that the catalogue does not have"`
}

// Damage is bytes of an image that are missing, or other than they should be.
type Damage struct {
	Image  string `json:"image" doc:"Name"`
	Part   string `json:"part,omitempty" doc:"Name, of what is kept whole"`
	Offset int64  `json:"offset" doc:"In the image"`
	Bytes  int64  `json:"bytes" doc:"0: all of it"`
	Where  string `json:"where,omitempty" doc:"The partition or file it is in"`
	What   string `json:"what" doc:"What is wrong"`
}

// MaxDamage is how much damage a Health lists.
const MaxDamage = 1000

// Collected is what was removed because nobody needs it.
type Collected struct {
	Images int   `json:"images"`
	Files  int   `json:"files"`
	Chunks int   `json:"chunks"`
	Bytes  int64 `json:"bytes"`
}
