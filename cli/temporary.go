package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// temporaryPlaces are the folders in which one is made that goes with the command, in
// the order in which they are tried: a container may have no temporary folder that
// can be written.
func temporaryPlaces() []string {
	places := []string{os.TempDir()}
	if cache, err := os.UserCacheDir(); err == nil {
		places = append(places, cache)
	}
	return append(places, ".")
}

// temporaryFolder makes an empty folder, whose name begins so, in the first place
// where that is possible.
func temporaryFolder(places []string, name string) (string, error) {
	var all []error
	for _, place := range places {
		folder, err := os.MkdirTemp(place, name)
		if err == nil {
			return filepath.Abs(folder)
		}
		all = append(all, err)
	}
	return "", fmt.Errorf("no temporary folder can be made: set TMPDIR to one that can be written, with 100 MB of space: %w", errors.Join(all...))
}
