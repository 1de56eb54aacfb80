package wire

import "rackwright/images"

// CacheBeat is what a cache says of itself.
type CacheBeat struct {
	URL    string             `json:"url" maxLength:"256" doc:"http://host:port that agents fetch from"`
	Rack   string             `json:"rack,omitempty" maxLength:"63" doc:"In which it stands; the site follows from it"`
	Site   string             `json:"site,omitempty" maxLength:"63" doc:"In which it stands, where it is in no rack of the plan"`
	Report images.CacheReport `json:"report"`
}

// CacheOrders is what a cache is told.
type CacheOrders struct {
	Key    []byte   `json:"key" doc:"Ed25519 public key that agents' tickets are signed with"`
	Ticket string   `json:"ticket" doc:"Its own, to fetch what it is asked for"`
	Want   []string `json:"want" nullable:"false" doc:"Digests of images to fetch before anybody asks"`
}

// CacheWarm asks caches to fetch an image.
type CacheWarm struct {
	Image  string   `json:"image" minLength:"1" maxLength:"128" doc:"Image name or id"`
	Caches []string `json:"caches,omitempty" nullable:"false" maxItems:"1000" doc:"Names; none: all that are alive"`
}
