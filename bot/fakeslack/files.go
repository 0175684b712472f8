package fakeslack

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// maxFile bounds one upload.
const maxFile = 32 << 20

// File is an uploaded file. Content is never changed once it is there.
type File struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Title    string    `json:"title"`
	AltText  string    `json:"alt_text,omitempty"`
	Mimetype string    `json:"mimetype"`
	User     string    `json:"user"`
	Channels []string  `json:"channels,omitempty"`
	Content  []byte    `json:"-"`
	Size     int       `json:"size"`
	At       time.Time `json:"at"`
	URL      string    `json:"url"` // serves the content on the workspace's address, with a token or without

	announced int  // the length that the app said it would upload
	ready     bool // uploaded and completed
	uploaded  bool
}

func newFile(w *Workspace, name, user string) *File {
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	f := &File{ID: w.id("F"), Name: name, Title: name, User: user, At: w.opts.Now()}
	f.Mimetype, _, _ = strings.Cut(kind, ";")
	f.URL = w.base + "/files/" + f.ID + "/" + path.Base("/"+name)
	return f
}

func (f *File) wire(w *Workspace) fields {
	kind := strings.TrimPrefix(path.Ext(f.Name), ".")
	return fields{
		"id": f.ID, "created": f.At.Unix(), "timestamp": f.At.Unix(), "name": f.Name, "title": f.Title,
		"mimetype": f.Mimetype, "filetype": kind, "pretty_type": strings.ToUpper(kind), "user": f.User,
		"user_team": w.team, "size": f.Size, "mode": "hosted", "is_external": false, "is_public": true,
		"alt_txt": f.AltText, "url_private": f.URL, "url_private_download": f.URL,
		"permalink": "https://" + w.opts.Domain + ".slack.com/files/" + f.User + "/" + f.ID,
		"channels":  slices.Clone(f.Channels), "file_access": "visible",
	}
}

func getUploadURL(r *request) (fields, error) {
	w := r.w
	length := r.number("length", 0)
	switch {
	case r.str("filename") == "":
		return nil, fail("invalid_arguments")
	case length <= 0:
		return nil, fail("invalid_arguments")
	case length > maxFile:
		return nil, fail("file_upload_size_restricted")
	}
	f := newFile(w, r.str("filename"), w.bot.ID)
	f.AltText, f.announced = r.str("alt_txt"), length
	w.files[f.ID] = f
	at := "/upload/v1/" + strings.ReplaceAll(uuid(), "-", "")
	w.uploads[at] = f
	return fields{"upload_url": w.base + at, "file_id": f.ID}, nil
}

// serveUpload takes the bytes, raw or as a multipart form.
func (w *Workspace) serveUpload(rw http.ResponseWriter, hr *http.Request) {
	began := time.Now()
	call := Call{Method: "upload", Args: map[string]string{"path": hr.URL.Path}, At: w.opts.Now(), Status: http.StatusOK}
	fault := w.faults.take(call)
	if fault != nil {
		call.Fault = fault.Do
		if w.failBefore(rw, hr, fault, call, began) {
			return
		}
	}
	content, err := readUpload(rw, hr)
	w.mu.Lock()
	f := w.uploads[hr.URL.Path]
	switch {
	case err != nil, f == nil, len(content) != f.announced:
		call.Status = http.StatusBadRequest
	default:
		next := *f
		next.Content, next.Size, next.uploaded = content, len(content), true
		w.files[f.ID] = &next
		delete(w.uploads, hr.URL.Path)
	}
	w.mu.Unlock()
	if fault != nil && w.failAfter(hr, fault, call, began, nil, nil) {
		panic(http.ErrAbortHandler)
	}
	w.log(call, began, nil)
	rw.WriteHeader(call.Status)
	if call.Status == http.StatusOK {
		_, _ = io.WriteString(rw, "OK - "+f.ID)
	}
}

func readUpload(rw http.ResponseWriter, hr *http.Request) ([]byte, error) {
	hr.Body = http.MaxBytesReader(rw, hr.Body, maxFile+1<<20)
	if kind, _, _ := mime.ParseMediaType(hr.Header.Get("Content-Type")); kind != "multipart/form-data" {
		return io.ReadAll(hr.Body)
	}
	form, err := hr.MultipartReader()
	if err != nil {
		return nil, err
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, err
		}
		if part.FileName() != "" {
			return io.ReadAll(part)
		}
	}
}

func completeUpload(r *request) (fields, error) {
	w := r.w
	var asked []struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	if json.Unmarshal([]byte(r.str("files")), &asked) != nil || len(asked) == 0 {
		return nil, fail("invalid_arguments")
	}
	targets := r.list("channels")
	if id := r.str("channel_id"); id != "" {
		targets = append(targets, id)
	}
	var into []*channel
	for _, id := range targets {
		c, err := w.visible(id)
		switch {
		case err != nil:
			return nil, err
		case !c.has(w.bot.ID):
			return nil, fail("not_in_channel")
		case c.archived:
			return nil, fail("is_archived")
		}
		into = append(into, c)
	}
	summaries := make([]fields, 0, len(asked))
	ids := make([]string, 0, len(asked))
	for _, a := range asked {
		f := w.files[a.ID]
		switch {
		case f == nil, f.User != w.bot.ID:
			return nil, fail("file_not_found")
		case !f.uploaded:
			return nil, fail("file_update_failed")
		}
		next := *f
		next.ready = true
		if a.Title != "" {
			next.Title = a.Title
		}
		for _, c := range into {
			next.Channels = append(slices.Clone(next.Channels), c.id)
		}
		w.files[a.ID] = &next
		w.fileOrder = append(w.fileOrder, a.ID)
		ids = append(ids, a.ID)
		summaries = append(summaries, next.wire(w))
		w.change(Change{Kind: FileAdded, Detail: a.ID})
	}
	for _, c := range into {
		m := w.botMessage(c, content{text: r.str("initial_comment")})
		m.Files, m.ThreadTS = ids, r.str("thread_ts")
		w.post(c, m)
	}
	return fields{"files": summaries}, nil
}

func fileInfo(r *request) (fields, error) {
	f := r.w.files[r.str("file")]
	if f == nil || !f.ready {
		return nil, fail("file_not_found")
	}
	return fields{
		"file": f.wire(r.w), "comments": []any{},
		"paging": fields{"count": 0, "total": 0, "page": 1, "pages": 0},
	}, nil
}

// serveDownload serves a file's content.
func (w *Workspace) serveDownload(rw http.ResponseWriter, hr *http.Request) {
	id, _, _ := strings.Cut(strings.TrimPrefix(hr.URL.Path, "/files/"), "/")
	w.mu.RLock()
	f := w.files[id]
	w.mu.RUnlock()
	if f == nil || !f.ready {
		http.NotFound(rw, hr)
		return
	}
	rw.Header().Set("Content-Type", f.Mimetype)
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	rw.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'") // an uploaded page stays a picture
	_, _ = rw.Write(f.Content)
}
