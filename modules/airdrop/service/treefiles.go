package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// treeFiles keeps the trees of built campaigns as files that every process on
// this machine maps and shares: <folder>/<root>-<digest of the list>.tree, both
// in hex. In most formats a root does not determine the order of the rows,
// which claims show. The files are copies: the list in the database is
// authoritative, and a file that is missing, damaged or of another tree is
// built again from it.
type treeFiles struct {
	options Options
	store   store
}

// used reports whether a folder for them is set.
func (f treeFiles) used() bool { return f.options.Trees != "" }

// digestInName is how many bytes of a list's digest are in its file's name:
// enough to distinguish lists of the same root.
const digestInName = 16

// path returns the path of a built campaign's file, which may not exist yet.
func (f treeFiles) path(ctx context.Context, c stored) (string, error) {
	digest, err := f.store.digest(ctx, f.options.DB.Read(), c.listID)
	if err != nil {
		return "", err
	}
	if len(digest) < digestInName {
		return "", damaged(c.ID, "the digest of its list", fmt.Errorf("%d bytes", len(digest)))
	}
	return filepath.Join(f.options.Trees, fmt.Sprintf("%x-%x.tree", c.Root[:], digest[:digestInName])), nil
}

// openTree maps the file of a built campaign. On any error the tree has to be
// built again.
func openTree(file string, c stored) (*merkle.Tree, error) {
	tree, err := merkle.Open(file)
	if err != nil {
		return nil, err
	}
	if tree.Root() != *c.Root || tree.Format() != c.Format || tree.Count() != c.Count || tree.Total() != c.Total {
		err := fault.Newf(fault.Invalid, "the tree file contains the tree %s of %d rows, and not the one in its name", tree.Root(), tree.Count())
		return nil, errors.Join(err, tree.Close())
	}
	return tree, nil
}

// keep writes the tree that was just built for a campaign to its file and
// returns it mapped, as all processes share it. If that fails, as on a full
// disk or in a read-only folder, it returns the tree in memory (file is "").
func (f treeFiles) keep(ctx context.Context, c stored, built *merkle.Tree) (_ *merkle.Tree, file string) {
	if !f.used() {
		return built, ""
	}
	file, err := f.path(ctx, c)
	var mapped *merkle.Tree
	if err == nil {
		mapped, err = f.write(ctx, file, c, built)
	}
	if err != nil {
		f.options.Log.WarnContext(ctx, "a tree is served from memory, because its file cannot be used: check the folder of the tree files and its disk",
			"campaign", c.ID, "file", file, "error", err)
		return built, ""
	}
	return mapped, file
}

func (f treeFiles) write(ctx context.Context, file string, c stored, built *merkle.Tree) (*merkle.Tree, error) {
	if mapped, err := openTree(file, c); err == nil {
		return mapped, nil // another process, or another campaign with this list, was first
	}
	if err := os.MkdirAll(f.options.Trees, 0o750); err != nil {
		return nil, fmt.Errorf("create the folder of the tree files: %w", err)
	}
	if err := built.WriteFile(ctx, file); err != nil {
		return nil, err
	}
	return openTree(file, c)
}

// remove deletes a file that turned out to be damaged.
func (f treeFiles) remove(file string) {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.options.Log.Warn("a damaged tree file could not be removed: check the permissions of its folder", "file", file, "error", err)
	}
}

// unfinishedAfter is the age from which a partial file counts as abandoned:
// writing takes seconds.
const unfinishedAfter = time.Hour

// sweep removes partial files that a killed process has left.
func (f treeFiles) sweep(ctx context.Context) {
	if !f.used() {
		return
	}
	entries, err := os.ReadDir(f.options.Trees)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.options.Log.WarnContext(ctx, "the folder of the tree files could not be read: check its permissions", "folder", f.options.Trees, "error", err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") || !strings.HasSuffix(entry.Name(), ".partial") {
			continue
		}
		about, err := entry.Info()
		if err != nil || f.options.Clock().Sub(about.ModTime()) < unfinishedAfter {
			continue // finished meanwhile, or still being written
		}
		if err := os.Remove(filepath.Join(f.options.Trees, entry.Name())); err != nil {
			f.options.Log.WarnContext(ctx, "an unfinished tree file could not be removed and takes space: check the permissions of its folder", "file", entry.Name(), "error", err)
		}
	}
}

// loadFile opens the file of a built campaign. It returns nil when the tree has
// to be built.
func (s *service) loadFile(ctx context.Context, c stored) (_ *merkle.Tree, file string) {
	if !s.kept.used() {
		return nil, ""
	}
	file, err := s.kept.path(ctx, c)
	var tree *merkle.Tree
	if err == nil {
		tree, err = openTree(file, c)
	}
	if err != nil {
		s.options.Log.InfoContext(ctx, "a tree is built again from the list in the database, because its file cannot be used",
			"campaign", c.ID, "file", file, "error", err)
		return nil, ""
	}
	return tree, file
}

// rebuildTime is how long a caller waits for a tree that is built again: a
// million rows take about a second.
const rebuildTime = 2 * time.Second

// unreadable is the error of a tree whose file turned out to be damaged in use.
// It is never the caller's error, whatever code its cause has.
type unreadable struct {
	tree  *served
	cause error
}

func (e *unreadable) Error() string {
	return fmt.Sprintf("read the tree of campaign %s: %v", e.tree.campaign, e.cause)
}

// dropDamaged removes the file of a tree that cannot be read, so that the next
// request builds it again, and reports that in again. It returns other errors
// unchanged.
func (s *service) dropDamaged(ctx context.Context, err error) (_ error, again bool) { //nolint:revive // the error is the subject
	if err == nil {
		return nil, false
	}
	var broken *unreadable
	if !errors.As(err, &broken) {
		return err, false
	}
	s.options.Log.ErrorContext(ctx, "a tree file is damaged and will be built again from the list in the database: check the disk",
		"campaign", broken.tree.campaign, "error", broken.cause)
	s.trees.discard(broken.tree, func() { s.kept.remove(broken.tree.file) })
	f := fault.Wrap(err, fault.Unavailable, "the tree of this campaign was damaged on disk and is being built again from its list: try again in a moment")
	f.RetryAfter = rebuildTime
	return f, true
}
