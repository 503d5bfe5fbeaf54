package ui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"banyan/platform/fault"
	"banyan/web/language"
)

// The files of thirdparty/ are made by others; its README says which versions
// and how to refresh them.
//
//go:embed static thirdparty templates
var embedded embed.FS

// AssetPrefix is what files stand below, behind Options.Prefix.
const AssetPrefix = "/assets/"

// assets are the static files, each under a URL that holds a hash of its
// content, so that browsers may keep it for ever.
type assets struct {
	urls  map[string]string // name → URL
	said  map[string]string // name of a script → URL of it in German
	files map[string]asset  // by URL
}

func newAssets() assets {
	return assets{urls: map[string]string{}, said: map[string]string{}, files: map[string]asset{}}
}

// asset is an embedded file. Its content stays where it is: embed.FS.ReadFile
// would copy it, and Swagger UI alone has 1.5 MB.
type asset struct {
	from      fs.FS
	mediaType string
	name      string
	size      int64
	text      string // instead of the file, for one that was translated
}

// mediaTypes of what is served; another ending is left out. Scripts name their
// charset because Swagger UI's is not ASCII.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml; charset=utf-8",
}

// AddFiles serves the stylesheets, scripts and drawings of a file system; a
// template names one by {{asset "name.css"}}. Fails when two have one name.
func (s *Site) AddFiles(files fs.FS) error { return s.addFolder(files, ".") }

func (s *Site) addFolder(files fs.FS, folder string) error {
	err := fs.WalkDir(files, folder, func(name string, entry fs.DirEntry, err error) error {
		ending := path.Ext(name)
		mediaType := mediaTypes[ending]
		if err != nil || entry.IsDir() || mediaType == "" {
			return err
		}
		sum := sha256.New()
		size, err := copyAsset(sum, files, name)
		if err != nil {
			return err
		}
		base := path.Base(name)
		url := s.assetURL(base, sum)
		if _, twice := s.assets.urls[base]; twice {
			return fmt.Errorf("two assets are called %s", base)
		}
		s.assets.urls[base], s.assets.files[url] = url, asset{files, mediaType, name, size, ""}
		if ending != ".js" || size > maxScript {
			return nil
		}
		return s.addGerman(files, name)
	})
	if err != nil {
		return fmt.Errorf("read the assets: %w", err)
	}
	return nil
}

// maxScript bounds the scripts that are looked through for texts, in bytes: those of
// others are larger, and theirs.
const maxScript = 40 << 10

func (s *Site) assetURL(base string, sum hash.Hash) string {
	ending := path.Ext(base)
	return s.o.Prefix + AssetPrefix + strings.TrimSuffix(base, ending) + "." + hex.EncodeToString(sum.Sum(nil)[:6]) + ending
}

// addGerman serves a script a second time with its texts in German, when it has any.
func (s *Site) addGerman(files fs.FS, name string) error {
	source, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	text := language.German.Script(string(source))
	if text == string(source) {
		return nil
	}
	sum := sha256.New()
	sum.Write([]byte(text))
	base := path.Base(name)
	url := s.assetURL(base, sum)
	s.assets.said[base], s.assets.files[url] = url, asset{mediaType: mediaTypes[path.Ext(base)], size: int64(len(text)), text: text}
	return nil
}

func copyAsset(to io.Writer, from fs.FS, name string) (size int64, err error) {
	file, err := from.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // of an embedded file: does nothing
	return io.Copy(to, file)
}

// remove takes an asset away, as if it were not in the program.
func (a assets) remove(name string) {
	delete(a.files, a.urls[name])
	delete(a.files, a.said[name])
	delete(a.urls, name)
	delete(a.said, name)
}

// url returns the address of an asset. Fails for an unknown name, so that a
// template with a wrong one is not rendered.
func (a assets) url(name string) (string, error) {
	if url := a.urls[name]; url != "" {
		return url, nil
	}
	return "", fmt.Errorf("there is no asset %s", name)
}

// assetLink is the address of an asset in templates.
func (s *Site) assetLink(l language.Language, name string) (string, error) {
	if url := s.assets.said[name]; url != "" && l == language.German {
		return s.fromRoot(url), nil
	}
	url, err := s.assets.url(name)
	return s.fromRoot(url), err
}

// ServeAsset answers with an asset; mount it at AssetPrefix + "*".
func (s *Site) ServeAsset(rw http.ResponseWriter, r *http.Request) error {
	file, ok := s.assets.files[r.URL.Path]
	if !ok {
		return fault.New(fault.NotFound, "there is no such file: it may belong to an older version of this site; load the page again")
	}
	h := rw.Header()
	h.Set("Content-Type", file.mediaType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Length", strconv.FormatInt(file.size, 10))
	if file.text != "" {
		_, _ = io.WriteString(rw, file.text) // likewise
		return nil
	}
	_, _ = copyAsset(rw, file.from, file.name) // the browser may be gone; nobody is left to report it to
	return nil
}

// ServeIcon answers browsers that ask for /favicon.ico.
func (s *Site) ServeIcon(rw http.ResponseWriter, r *http.Request) {
	http.Redirect(rw, r, s.outside(s.assets.urls["favicon.svg"]), http.StatusFound)
}
