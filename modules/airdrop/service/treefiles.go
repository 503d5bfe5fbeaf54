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
// in hex. A root alone says nothing of the order of the rows in most formats,
// and claims show it. They are copies: the list in the database is the truth,
// and a file that is missing, damaged or of another tree is made again from it.
type treeFiles struct {
	options Options
	store   store
}

// used says whether there is a folder for them.
func (f treeFiles) used() bool { return f.options.Trees != "" }

// digestShown is how many bytes of a list's digest its file is named by: enough
// to tell lists of the same root apart.
const digestShown = 16

// path is where the file of a built campaign is, or will be.
func (f treeFiles) path(ctx context.Context, c stored) (string, error) {
	digest, err := f.store.digest(ctx, f.options.DB.Read(), c.listID)
	if err != nil {
		return "", err
	}
	if len(digest) < digestShown {
		return "", damaged(c.ID, "the digest of its list", fmt.Errorf("%d bytes", len(digest)))
	}
	return filepath.Join(f.options.Trees, fmt.Sprintf("%x-%x.tree", c.Root[:], digest[:digestShown])), nil
}

// openTree maps the file of a built campaign. Whatever is wrong with it is only
// a reason to build the tree again.
func openTree(file string, c stored) (*merkle.Tree, error) {
	tree, err := merkle.Open(file)
	if err != nil {
		return nil, err
	}
	if tree.Root() != *c.Root || tree.Format() != c.Format || tree.Count() != c.Count || tree.Total() != c.Total {
		err := fault.Newf(fault.Invalid, "the tree file holds the tree %s of %d rows, and not the one in its name", tree.Root(), tree.Count())
		return nil, errors.Join(err, tree.Close())
	}
	return tree, nil
}

// keep writes the tree that was just built for a campaign to its file and gives
// it back as all processes share it. Where that cannot be, on a full disk or in
// a folder that is read only, the tree stays as it is, in memory (file is "").
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
		f.options.Log.WarnContext(ctx, "a tree is served from memory, because its file cannot be used: look at the folder of the trees and its disk",
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
		return nil, fmt.Errorf("make the folder of the trees: %w", err)
	}
	if err := built.WriteFile(ctx, file); err != nil {
		return nil, err
	}
	return openTree(file, c)
}

// remove takes a file away that turned out to be damaged.
func (f treeFiles) remove(file string) {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.options.Log.Warn("a damaged tree file could not be removed", "file", file, "error", err)
	}
}

// unfinishedAfter is how old a file in the making is before nobody writes it any
// more: writing takes seconds.
const unfinishedAfter = time.Hour

// sweep removes files in the making that a killed process left behind.
func (f treeFiles) sweep(ctx context.Context) {
	if !f.used() {
		return
	}
	entries, err := os.ReadDir(f.options.Trees)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.options.Log.WarnContext(ctx, "the folder of the trees could not be read", "folder", f.options.Trees, "error", err)
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
			f.options.Log.WarnContext(ctx, "a tree file that was never finished could not be removed", "file", entry.Name(), "error", err)
		}
	}
}

// loadFile opens the file of a built campaign. nil: the tree has to be built.
func (s *service) loadFile(ctx context.Context, c stored) (_ *merkle.Tree, file string) {
	if !s.files.used() {
		return nil, ""
	}
	file, err := s.files.path(ctx, c)
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

// mendedIn is when a tree is there again: a million rows take about a second.
const mendedIn = 2 * time.Second

// unreadable is a tree whose file turned out to be damaged in use. It is an
// error of a tree, not of a caller, whatever the cause says.
type unreadable struct {
	tree  *served
	cause error
}

func (e *unreadable) Error() string {
	return fmt.Sprintf("read the tree of campaign %s: %v", e.tree.campaign, e.cause)
}

// mend makes way for a new tree when err says that one cannot be read (again):
// its file goes, and the next question builds it anew. Other errors stay as
// they are.
func (s *service) mend(ctx context.Context, err error) (_ error, again bool) { //nolint:revive // the error is what is looked at
	if err == nil {
		return nil, false
	}
	var broken *unreadable
	if !errors.As(err, &broken) {
		return err, false
	}
	s.options.Log.ErrorContext(ctx, "a tree file is damaged and will be made again from the list in the database",
		"campaign", broken.tree.campaign, "error", broken.cause)
	s.trees.discard(broken.tree, func() { s.files.remove(broken.tree.file) })
	f := fault.Wrap(err, fault.Unavailable, "the tree of this campaign is damaged on disk and is being made again from its list: ask again")
	f.RetryAfter = mendedIn
	return f, true
}
