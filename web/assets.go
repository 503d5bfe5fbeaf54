package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"banyan/platform/fault"
)

// The files of thirdparty/ are made by others; its README says which versions
// and how to refresh them.
//
//go:embed static thirdparty templates
var embedded embed.FS

// assetPrefix is what files stand below, behind Options.Prefix.
const assetPrefix = "/assets/"

// assets are the static files, each under a URL that holds a hash of its
// content, so that browsers may keep it for ever.
type assets struct {
	urls  map[string]string // name → URL
	files map[string]asset  // by URL
}

// asset is a file of embedded. Its content stays there: embed.FS.ReadFile would
// copy it, and Swagger UI alone has 1.5 MB.
type asset struct {
	mediaType string
	name      string
	size      int64
}

// mediaTypes of what is served; another ending is left out. Scripts name their
// charset because Swagger UI's is not ASCII.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml; charset=utf-8",
}

func loadAssets(prefix string) (assets, error) {
	a := assets{urls: map[string]string{}, files: map[string]asset{}}
	for _, root := range []string{"static", "thirdparty"} {
		err := fs.WalkDir(embedded, root, func(name string, entry fs.DirEntry, err error) error {
			ending := path.Ext(name)
			mediaType := mediaTypes[ending]
			if err != nil || entry.IsDir() || mediaType == "" {
				return err
			}
			sum := sha256.New()
			size, err := copyAsset(sum, name)
			if err != nil {
				return err
			}
			base := path.Base(name)
			url := prefix + assetPrefix + strings.TrimSuffix(base, ending) + "." + hex.EncodeToString(sum.Sum(nil)[:6]) + ending
			if _, twice := a.urls[base]; twice {
				return fmt.Errorf("two assets are called %s", base)
			}
			a.urls[base], a.files[url] = url, asset{mediaType, name, size}
			return nil
		})
		if err != nil {
			return assets{}, fmt.Errorf("read the assets: %w", err)
		}
	}
	return a, nil
}

func copyAsset(to io.Writer, name string) (size int64, err error) {
	file, err := embedded.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // of an embedded file: does nothing
	return io.Copy(to, file)
}

// leaveOut takes an asset away, as if it were not in the program.
func (a assets) leaveOut(name string) {
	delete(a.files, a.urls[name])
	delete(a.urls, name)
}

// url gives the address of an asset, "" for an unknown name, which templates
// turn into an error.
func (a assets) url(name string) string { return a.urls[name] }

// serveAsset answers with an asset.
func (w *Web) serveAsset(rw http.ResponseWriter, r *http.Request) error {
	file, ok := w.assets.files[r.URL.Path]
	if !ok {
		return fault.New(fault.NotFound, "there is no such file: it may belong to an older version of this site; load the page again")
	}
	h := rw.Header()
	h.Set("Content-Type", file.mediaType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Length", strconv.FormatInt(file.size, 10))
	_, _ = copyAsset(rw, file.name) // the browser may be gone; there is nobody left to tell
	return nil
}
