// Package backup writes SQLite databases into one file while the program runs, checks
// such a file, and puts it back. Those of PostgreSQL are copied into SQLite files before
// (platform/transfer), so that a backup fits either.
//
// The file is a tar compressed with zstd: manifest.json, then the databases in the
// order of the manifest, which has the size and the SHA-256 of each.
package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"

	"banyan/platform/database"
	"banyan/platform/fault"
)

const (
	format       = 1
	manifestName = "manifest.json"
	maxManifest  = 64 << 10
	maxDatabases = 64
)

// Manifest says what is in a backup.
type Manifest struct {
	Format    int        `json:"format"`
	Version   string     `json:"version"` // of the program that made it
	MadeMS    int64      `json:"made_ms"` // UTC
	Databases []Database `json:"databases"`
}

// Database is one SQLite file in a backup.
type Database struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Options say what Write copies.
type Options struct {
	Folder  string   // the data folder
	Names   []string // of databases; a consumer of events stands after those that publish them
	Version string
	Now     time.Time
	Scratch string // an empty folder, on a disk with room for a copy of all databases
}

// Write copies the databases as they are at one moment, and writes them to w. Fails
// with fault.NotFound when one of them does not exist.
func Write(ctx context.Context, w io.Writer, o Options) (Manifest, error) {
	copies := make([]database.FileCopy, len(o.Names))
	for i, name := range o.Names {
		copies[i] = database.FileCopy{From: filepath.Join(o.Folder, name+".db"), To: filepath.Join(o.Scratch, name+".db")}
	}
	if err := database.Snapshot(ctx, copies); err != nil {
		return Manifest{}, err
	}
	return Pack(ctx, w, o)
}

// Pack writes the databases of the folder Scratch to w. Nobody else uses them.
func Pack(ctx context.Context, w io.Writer, o Options) (Manifest, error) {
	m := Manifest{Format: format, Version: o.Version, MadeMS: o.Now.UnixMilli()}
	for _, name := range o.Names {
		size, sum, err := digest(filepath.Join(o.Scratch, name+".db"))
		if err != nil {
			return m, err
		}
		m.Databases = append(m.Databases, Database{Name: name, Bytes: size, SHA256: sum})
	}
	packed, err := zstd.NewWriter(w)
	if err != nil {
		return m, fmt.Errorf("compress the backup: %w", err)
	}
	archive := tar.NewWriter(packed)
	err = writeAll(ctx, archive, m, o)
	return m, errors.Join(err, archive.Close(), packed.Close())
}

func writeAll(ctx context.Context, archive *tar.Writer, m Manifest, o Options) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	if err := archive.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(text)), ModTime: o.Now}); err != nil {
		return err
	}
	if _, err := archive.Write(text); err != nil {
		return err
	}
	for _, d := range m.Databases {
		if err := archive.WriteHeader(&tar.Header{Name: d.Name + ".db", Mode: 0o600, Size: d.Bytes, ModTime: o.Now}); err != nil {
			return err
		}
		file, err := os.Open(filepath.Join(o.Scratch, d.Name+".db"))
		if err != nil {
			return err
		}
		_, err = io.Copy(archive, &contextReader{ctx, file})
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Extract reads a backup into an empty folder, and checks every database in it. Fails
// with fault.Invalid when it is no backup, is damaged, or is not whole.
func Extract(ctx context.Context, r io.Reader, folder string) (Manifest, error) {
	packed, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return Manifest{}, fmt.Errorf("read the backup: %w", err)
	}
	defer packed.Close()
	archive := tar.NewReader(&contextReader{ctx, packed})
	m, err := readManifest(archive)
	if err != nil {
		return m, err
	}
	for _, d := range m.Databases {
		if err := extractOne(archive, d, folder); err != nil {
			return m, err
		}
		if err := database.CheckFile(ctx, filepath.Join(folder, d.Name+".db")); err != nil {
			return m, err
		}
	}
	_, err = archive.Next()
	rest, restErr := io.CopyN(io.Discard, packed, 1)
	if !errors.Is(err, io.EOF) || rest > 0 || !errors.Is(restErr, io.EOF) {
		return m, fault.New(fault.Invalid, "the backup has more in it than its manifest says, or is damaged at its end: use another one")
	}
	return m, nil
}

func readManifest(archive *tar.Reader) (m Manifest, err error) {
	header, err := archive.Next()
	if err != nil || header.Name != manifestName || header.Size > maxManifest {
		return m, fault.Wrap(err, fault.Invalid, "this is no backup that `banyan backup create` made, or its beginning is damaged")
	}
	if err := json.NewDecoder(archive).Decode(&m); err != nil {
		return m, fault.Wrap(err, fault.Invalid, "the backup's manifest cannot be read: it is damaged")
	}
	if m.Format != format {
		return m, fault.Newf(fault.Invalid, "the backup has format %d, and this program reads format %d: use the program that made it (%s)", m.Format, format, m.Version)
	}
	if len(m.Databases) == 0 || len(m.Databases) > maxDatabases {
		return m, fault.Newf(fault.Invalid, "the backup has %d databases in its manifest, which is damaged", len(m.Databases))
	}
	return m, nil
}

func extractOne(archive *tar.Reader, d Database, folder string) error {
	wrong := func(what string) error {
		return fault.Newf(fault.Invalid, "the backup is damaged: the database %s %s", d.Name, what)
	}
	header, err := archive.Next()
	switch {
	case err != nil:
		return wrong("is missing")
	case header.Name != d.Name+".db" || header.Size != d.Bytes || d.Name == "" || filepath.Base(header.Name) != header.Name:
		return wrong("is not what the manifest says")
	}
	file, err := os.OpenFile(filepath.Join(folder, header.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the name was compared above: it has no folder in it
	if err != nil {
		return fmt.Errorf("extract %s: %w", d.Name, err)
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, hash), archive)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fault.Wrap(err, fault.Invalid, "the database "+d.Name+" cannot be extracted: the backup is damaged, or the disk is full")
	}
	if hex.EncodeToString(hash.Sum(nil)) != d.SHA256 {
		return wrong("has another checksum than the manifest says")
	}
	return nil
}

// Put moves extracted databases into a data folder on the same disk. With replace it
// takes the place of what is there. Fails with fault.Conflict when a program works
// with the folder, or databases are there and replace is false.
func Put(ctx context.Context, m Manifest, from, into string, replace bool) error {
	for _, d := range m.Databases {
		path := filepath.Join(into, d.Name+".db")
		if _, err := os.Lstat(path); err == nil && !replace {
			return fault.Newf(fault.Conflict, "%s is there already: restore into an empty data folder (the setting data), or replace what is there with --force", path)
		}
		if err := database.RequireUnused(ctx, path); err != nil {
			return err
		}
	}
	for _, d := range m.Databases {
		path := filepath.Join(into, d.Name+".db")
		for _, beside := range []string{"-wal", "-shm"} { // of the file that is replaced
			if err := os.Remove(path + beside); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("restore %s: %w", d.Name, err)
			}
		}
		if err := os.Rename(filepath.Join(from, d.Name+".db"), path); err != nil {
			return fmt.Errorf("restore %s: %w", d.Name, err)
		}
	}
	return nil
}

func digest(path string) (size int64, sum string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	hash := sha256.New()
	size, err = io.Copy(hash, file)
	return size, hex.EncodeToString(hash.Sum(nil)), errors.Join(err, file.Close())
}

// contextReader ends with its context.
type contextReader struct {
	ctx  context.Context
	from io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}
