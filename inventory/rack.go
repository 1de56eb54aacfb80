package inventory

// Site is a place with racks in it.
type Site struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Rack is a cabinet; unit 1 is at the bottom.
type Rack struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Site    string `json:"site"`
	Units   int    `json:"units"`
	Version int64  `json:"version"`
}
