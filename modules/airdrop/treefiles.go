package airdrop

import (
	"context"
	"encoding/hex"
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
// this machine maps and shares: <folder>/<root in hex>.tree. They are copies:
// the list in the database is the truth, and a file that is missing, damaged
// or of another tree is made again from it.
type treeFiles struct {
	options Options
	store   store
}

// used says whether there is a folder for them.
func (f treeFiles) used() bool { return f.options.Trees != "" }

func (f treeFiles) path(root merkle.Hash) string {
	return filepath.Join(f.options.Trees, hex.EncodeToString(root[:])+".tree")
}

// errOtherOrder says that a campaign with the same wallets in another order has
// the file: the root is the same, and the places on the list are not.
var errOtherOrder = errors.New("the file holds the list of another campaign, with the same root in another order")

// open maps the file of a built campaign. Whatever is wrong with it is only a
// reason to build the tree again.
func (f treeFiles) open(ctx context.Context, c stored) (*merkle.Tree, error) {
	tree, err := merkle.Open(f.path(*c.Root))
	if err != nil {
		return nil, err
	}
	if err := f.belongs(ctx, c, tree); err != nil {
		return nil, errors.Join(err, tree.Close())
	}
	return tree, nil
}

// belongs checks that the tree is the campaign's. A root says nothing of the
// order of the list in most formats, so the first rows are compared, too.
func (f treeFiles) belongs(ctx context.Context, c stored, tree *merkle.Tree) error {
	if tree.Root() != *c.Root || tree.Format() != c.Format || tree.Count() != c.Count || tree.Total() != c.Total {
		return fault.Newf(fault.Invalid, "the tree file holds the tree %s of %d rows, and not the one in its name", tree.Root(), tree.Count())
	}
	first, err := f.store.firstChunk(ctx, f.options.DB.Read(), c.listID)
	if err != nil {
		return err
	}
	rows := merkle.NewList()
	if err := rows.AppendChunk(first); err != nil {
		return damaged(c.ID, "its list", err)
	}
	return sameRows(rows, tree)
}

// sameRows compares the rows of a list with the first ones of a tree. Fails
// with errOtherOrder.
func sameRows(rows *merkle.List, tree *merkle.Tree) error {
	if rows.Len() > tree.Count() {
		return errOtherOrder
	}
	for i := range rows.Len() {
		row, err := tree.At(i)
		if err != nil {
			return err
		}
		if row != rows.At(i) {
			return errOtherOrder
		}
	}
	return nil
}

// keep writes the tree that was just built for a campaign to its file and gives
// it back as all processes share it. Where that cannot be, on a full disk or in
// a folder that is read only, the tree stays as it is, in memory.
func (f treeFiles) keep(ctx context.Context, c stored, built *merkle.Tree) *merkle.Tree {
	if !f.used() {
		return built
	}
	mapped, err := f.open(ctx, c)
	if err == nil {
		return mapped // another process, or another campaign with this list, was first
	}
	if !errors.Is(err, errOtherOrder) {
		mapped, err = f.write(ctx, c, built)
	}
	if err != nil {
		f.options.Log.WarnContext(ctx, "a tree is served from memory, because its file cannot be used: look at the folder of the trees and its disk",
			"campaign", c.ID, "file", f.path(built.Root()), "error", err)
		return built
	}
	return mapped
}

func (f treeFiles) write(ctx context.Context, c stored, built *merkle.Tree) (*merkle.Tree, error) {
	if err := os.MkdirAll(f.options.Trees, 0o750); err != nil {
		return nil, fmt.Errorf("make the folder of the trees: %w", err)
	}
	if err := built.WriteFile(ctx, f.path(built.Root())); err != nil {
		return nil, err
	}
	return f.open(ctx, c)
}

// remove takes a file away that turned out to be damaged.
func (f treeFiles) remove(root merkle.Hash) {
	if err := os.Remove(f.path(root)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.options.Log.Warn("a damaged tree file could not be removed", "file", f.path(root), "error", err)
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

// loadFile serves a built campaign from its file. nil: it has to be built.
func (s *service) loadFile(ctx context.Context, c stored) *merkle.Tree {
	if !s.files.used() {
		return nil
	}
	tree, err := s.files.open(ctx, c)
	if err == nil {
		return tree
	}
	s.options.Log.InfoContext(ctx, "a tree is built again from the list in the database, because its file cannot be used",
		"campaign", c.ID, "file", s.files.path(*c.Root), "error", err)
	return nil
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
	s.trees.discard(broken.tree, func() { s.files.remove(broken.tree.tree.Root()) })
	f := fault.Wrap(err, fault.Unavailable, "the tree of this campaign is damaged on disk and is being made again from its list: ask again")
	f.RetryAfter = mendedIn
	return f, true
}
