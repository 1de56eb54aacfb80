package redfish

import (
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"time"

	"rackwright/fault"
)

// pushed tells whether the request's body is a firmware file: it may be large, and take
// longer than other requests.
func pushed(r *http.Request) bool {
	return r.Method == http.MethodPost && (r.URL.Path == pushPath || r.URL.Path == multipartPath)
}

// receive makes ready for a push.
func (s *Service) receive(w http.ResponseWriter, r *http.Request) *problem {
	if p := s.allowed(r, configureComponents); p != nil {
		return p
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(fetchTimeout))
	return nil
}

// pushRaw takes a file as the body of a POST to HttpPushUri.
func (s *Service) pushRaw(w http.ResponseWriter, r *http.Request) {
	p := s.receive(w, r)
	var o updateOrder
	if p == nil {
		s.updates.mu.Lock()
		o.targets, o.onReset = append([]string{}, s.updates.targets...), s.updates.apply == applyOnReset
		s.updates.mu.Unlock()
		o.file, p = s.keep(r.Body)
	}
	s.answerPush(w, o, p)
}

// pushMultipart takes the two parts of a multipart push, parameters first (DSP0266 12.8.2).
func (s *Service) pushMultipart(w http.ResponseWriter, r *http.Request) {
	p := s.receive(w, r)
	var o updateOrder
	if p == nil {
		var parts *multipart.Reader
		var err error
		if parts, err = r.MultipartReader(); err != nil {
			p = badPush("the request is not multipart/form-data")
		} else {
			p = s.readParts(parts, &o)
		}
	}
	s.answerPush(w, o, p)
}

func (s *Service) readParts(parts *multipart.Reader, o *updateOrder) *problem {
	part, err := parts.NextPart()
	if err != nil || part.FormName() != "UpdateParameters" {
		return badPush("the first part is not UpdateParameters")
	}
	text, err := io.ReadAll(io.LimitReader(part, maxBody+1))
	var sent body
	if err != nil || len(text) > maxBody || json.Unmarshal(text, &sent) != nil || sent == nil {
		return refuse(http.StatusBadRequest, msgMalformed)
	}
	if p := s.takeUpdate(&changes{sent: sent}, o, "UpdateParameters"); p != nil {
		return p
	}
	part, err = parts.NextPart()
	if err != nil || part.FormName() != "UpdateFile" || part.FileName() == "" {
		return badPush("the second part is not an UpdateFile with a file name")
	}
	var p *problem
	if o.file, p = s.keep(part); p != nil {
		return p
	}
	if _, err := parts.NextPart(); !errors.Is(err, io.EOF) {
		discard(*o)
		return badPush("the request does not end after UpdateFile")
	}
	return nil
}

func badPush(why string) *problem {
	p := refuse(http.StatusBadRequest, msgGeneralError)
	p.detail = why
	return p
}

// keep streams the file to disk.
func (s *Service) keep(from io.Reader) (string, *problem) {
	name, err := save(s.MediaDir, "firmware-*.bin", from, maxFirmware)
	if err == nil {
		return name, nil
	}
	p := fromFault(err)
	if fault.Is(err, fault.Unreachable) { // of the request's own body
		p = badPush("the file broke off, or is too large")
	}
	return "", p
}

func (s *Service) answerPush(w http.ResponseWriter, o updateOrder, p *problem) {
	var t task
	if p == nil {
		t, p = s.begin(o)
	}
	if p != nil {
		w.Header().Set("Connection", "close") // the rest of the file is not read
		p.write(w)
		return
	}
	accepted(w, t)
}
