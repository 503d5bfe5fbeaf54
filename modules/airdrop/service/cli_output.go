package service

import (
	"errors"
	"os"
	"path/filepath"

	"banyan/modules/airdrop/offline"
	"banyan/platform/fault"
)

const treeOutUsage = "the tree `FILE`, replaced if it is there; a folder gets a file named by the root"

// The checks of --out come before the work, which may take minutes: an output
// that could not be kept at the end is refused at the start. That it is missing
// is for the work itself to say.

// checkTreeOut checks where a tree file is to go: a file, or the folder of one
// that is named by its root.
func checkTreeOut(out string) error {
	switch {
	case out == "":
		return nil
	case out == offline.Stdio:
		return fault.UsageOf("--out", "a tree is a file that is read in any order: name one, or a folder")
	case isFolder(out):
		return checkFolder(out)
	}
	return checkFileOut(out)
}

// checkFileOut checks where a file or a stream is to go.
func checkFileOut(out string) error {
	switch {
	case out == "" || out == offline.Stdio:
		return nil
	case isFolder(out):
		return fault.UsageOf("--out", out+" is a folder: name a file, for example "+filepath.Join(out, "result"))
	}
	if about, err := os.Stat(out); err == nil && !about.Mode().IsRegular() {
		return fault.UsageOf("--out", out+" is no regular file: name another")
	}
	return checkFolder(filepath.Dir(out))
}

// checkNewFolder checks where a folder is to appear, and gives its path without
// the slash that shells put behind folders.
func checkNewFolder(out string) (string, error) {
	if out == "" || out == offline.Stdio {
		return out, nil
	}
	out = filepath.Clean(out)
	return out, checkFolder(filepath.Dir(out))
}

func isFolder(path string) bool {
	about, err := os.Stat(path)
	return err == nil && about.IsDir()
}

// checkFolder makes sure that a folder takes new files, by making one.
func checkFolder(folder string) error {
	if !isFolder(folder) {
		return fault.Newf(fault.NotFound, "there is no folder %s: make it, or choose another --out", folder)
	}
	probe, err := os.CreateTemp(folder, ".*.partial")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return fault.Wrap(err, fault.Forbidden, "the folder "+folder+" takes no new files: choose another --out")
	}
	return nil
}
