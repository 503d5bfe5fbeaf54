package service

import (
	"errors"
	"os"
	"path/filepath"

	"banyan/modules/airdrop/offline"
	"banyan/platform/fault"
)

const treeOutUsage = "the tree `FILE`, replaced if it exists; a folder gets a file named by the root"

// The checks of --out come before the work, which may take minutes: an output
// that could not be kept at the end is refused at the start. That it is missing
// is for the work itself to say.

// checkTreeOut checks the path of a tree file: a file, or the folder of one
// that is named by its root.
func checkTreeOut(out string) error {
	switch {
	case out == "":
		return nil
	case out == offline.Stdio:
		return fault.UsageOf("--out", "a tree file is not written in order and cannot go to a stream: name a file, or a folder")
	case isFolder(out):
		return checkFolder(out)
	}
	return checkFileOut(out)
}

// checkFileOut checks the path of an output that may be a file or a stream.
func checkFileOut(out string) error {
	switch {
	case out == "" || out == offline.Stdio:
		return nil
	case isFolder(out):
		return fault.UsageOf("--out", out+" is a folder: name a file, for example "+filepath.Join(out, "result"))
	}
	if about, err := os.Stat(out); err == nil && !about.Mode().IsRegular() {
		return fault.UsageOf("--out", out+" is not a regular file: name another")
	}
	return checkFolder(filepath.Dir(out))
}

// checkNewFolder checks the path of a new folder and returns it without the
// slash that shells append to folders.
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

// checkFolder checks that a folder accepts new files, by creating one.
func checkFolder(folder string) error {
	if !isFolder(folder) {
		return fault.Newf(fault.NotFound, "the folder %s does not exist: create it, or choose another --out", folder)
	}
	probe, err := os.CreateTemp(folder, ".*.partial")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return fault.Wrap(err, fault.Forbidden, "the folder "+folder+" does not accept new files: check its permissions and its disk, or choose another --out")
	}
	return nil
}
