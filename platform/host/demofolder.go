package host

import (
	"fmt"
	"os"
	"path/filepath"
)

// markFile lies in a data folder that holds an invented community.
const markFile = "banyan-demo"

// MarkDemoFolder says of a data folder that what is in it is invented. A demo removes its
// folder when it ends; the mark is for one that was killed.
func MarkDemoFolder(folder string) error {
	text := []byte("The people, reviews and airdrops in this folder were invented by banyan demo. Delete it.\n")
	if err := os.WriteFile(filepath.Join(folder, markFile), text, 0o600); err != nil {
		return fmt.Errorf("mark the demo's folder: %w", err)
	}
	return nil
}

// refuseDemoFolder fails for a folder that MarkDemoFolder has marked: what is invented must not be
// shown as real, and the folder's keys and sessions are a demo's. A folder that
// cannot be looked into is left to whoever opens it.
func refuseDemoFolder(folder string) error {
	if _, err := os.Lstat(filepath.Join(folder, markFile)); err != nil {
		return nil
	}
	return fmt.Errorf("the folder %s was left behind by banyan demo and holds invented people and reviews, which would pass for real ones: "+
		"set data to another folder, and delete this one", folder)
}
