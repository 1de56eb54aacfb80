package redfish

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"sync"
	"time"
)

const (
	mediaPath  = managerPath + "/VirtualMedia"
	insertPath = mediaPath + "/Cd/Actions/VirtualMedia.InsertMedia"
	ejectPath  = mediaPath + "/Cd/Actions/VirtualMedia.EjectMedia"
)

// Limits of an image download.
const (
	maxImage      = 16 << 30 // bytes
	fetchTimeout  = 30 * time.Minute
	answerTimeout = 30 * time.Second // until the image server starts to answer
)

// media is the virtual CD drive. busy holds a place for the one insert or eject at a
// time; a second is refused.
type media struct {
	busy sync.Mutex

	mu   sync.Mutex
	url  string // "" when empty
	file string
}

func (s *Service) routeMedia() {
	s.collection(mediaPath, "VirtualMediaCollection", "Virtual Media", func() []body { return []body{s.drive()} })
	s.mux.HandleFunc("POST "+insertPath, s.insertMedia)
	s.mux.HandleFunc("POST "+ejectPath, s.ejectMedia)
}

func (s *Service) drive() body {
	s.media.mu.Lock()
	image := s.media.url
	s.media.mu.Unlock()
	b := resource(mediaPath+"/Cd", "VirtualMedia.v1_6_4.VirtualMedia", "Virtual CD")
	b["MediaTypes"], b["WriteProtected"], b["Status"] = []string{"CD", "DVD"}, true, status(true)
	b["Inserted"], b["ConnectedVia"] = image != "", "NotConnected"
	b["Image"], b["ImageName"] = nil, nil
	b["TransferProtocolType"], b["TransferMethod"] = nil, "Upload"
	if image != "" {
		b["Image"], b["ImageName"], b["ConnectedVia"] = image, imageName(image), "URI"
	}
	b["Actions"] = body{
		"#VirtualMedia.InsertMedia": body{"target": insertPath, "TransferProtocolType@Redfish.AllowableValues": []string{"HTTP", "HTTPS"}},
		"#VirtualMedia.EjectMedia":  body{"target": ejectPath},
	}
	return b
}

func imageName(image string) string {
	u, err := url.Parse(image)
	if err != nil {
		return ""
	}
	return path.Base(u.Path)
}

// insertMedia fetches the image and answers when it is in the drive.
func (s *Service) insertMedia(w http.ResponseWriter, r *http.Request) {
	p := s.allowed(r, configureComponents)
	var order insertOrder
	if p == nil {
		order, p = readInsert(r)
	}
	if p == nil {
		// The transfer may outlast the server's limits for a request.
		rc := http.NewResponseController(w)
		_ = rc.SetReadDeadline(time.Time{})
		p = s.insert(r.Context(), order)
	}
	if p != nil {
		p.write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// insertOrder are InsertMedia's parameters that matter here.
type insertOrder struct{ image, user, password string }

func readInsert(r *http.Request) (insertOrder, *problem) {
	sent, p := readObject(r)
	if p != nil {
		return insertOrder{}, p
	}
	c := &changes{sent: sent}
	var o insertOrder
	var given bool
	o.image, given = c.text("Image")
	o.user, _ = c.text("UserName")
	o.password, _ = c.text("Password")
	transfer, _ := c.text("TransferProtocolType")
	method, _ := c.text("TransferMethod")
	inserted, hasInserted := c.flag("Inserted")
	protected, hasProtected := c.flag("WriteProtected")
	if p := c.done(); p != nil {
		return o, p
	}
	u, err := url.Parse(o.image)
	switch {
	case !given:
		return o, refuse(http.StatusBadRequest, msgParameterMissing, "InsertMedia", "Image")
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil:
		return o, refuse(http.StatusBadRequest, msgParameterNotInList, "(image URL)", "Image", "InsertMedia")
	case transfer != "" && transfer != "HTTP" && transfer != "HTTPS":
		return o, refuse(http.StatusBadRequest, msgParameterNotInList, transfer, "TransferProtocolType", "InsertMedia")
	case method != "" && method != "Stream" && method != "Upload":
		return o, refuse(http.StatusBadRequest, msgParameterNotInList, method, "TransferMethod", "InsertMedia")
	case hasInserted && !inserted:
		return o, refuse(http.StatusBadRequest, msgParameterNotInList, "false", "Inserted", "InsertMedia")
	case hasProtected && !protected:
		return o, refuse(http.StatusBadRequest, msgParameterNotInList, "false", "WriteProtected", "InsertMedia")
	}
	return o, nil
}

func (s *Service) insert(ctx context.Context, o insertOrder) *problem {
	if !s.media.busy.TryLock() {
		return refuse(http.StatusConflict, msgInUse)
	}
	defer s.media.busy.Unlock()
	if s.media.file != "" { // written under busy only
		return refuse(http.StatusConflict, msgInUse)
	}
	file, err := s.fetch(ctx, o)
	if err != nil {
		return fromFault(err)
	}
	if err := s.Hardware.Insert(ctx, file); err != nil {
		os.Remove(file)
		return fromFault(err)
	}
	s.media.mu.Lock()
	s.media.url, s.media.file = o.image, file
	s.media.mu.Unlock()
	s.note(s.bmcLog, mediaPath+"/Cd", hapInserted, imageName(o.image))
	return nil
}

// fetch downloads the image.
func (s *Service) fetch(ctx context.Context, o insertOrder) (string, error) {
	return download(ctx, s.MediaDir, "media-*.iso", source{uri: o.image, user: o.user, password: o.password, limit: maxImage})
}

func (s *Service) ejectMedia(w http.ResponseWriter, r *http.Request) {
	p := s.allowed(r, configureComponents)
	if p == nil {
		_, p = readObject(r)
	}
	if p == nil {
		p = s.eject(r.Context())
	}
	if p != nil {
		p.write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Service) eject(ctx context.Context) *problem {
	if !s.media.busy.TryLock() {
		return refuse(http.StatusConflict, msgInUse)
	}
	defer s.media.busy.Unlock()
	if s.media.file == "" {
		return nil
	}
	if err := s.Hardware.Insert(ctx, ""); err != nil {
		return fromFault(fmt.Errorf("eject: %w", err))
	}
	os.Remove(s.media.file)
	s.media.mu.Lock()
	s.media.url, s.media.file = "", ""
	s.media.mu.Unlock()
	s.note(s.bmcLog, mediaPath+"/Cd", hapEjected)
	return nil
}
