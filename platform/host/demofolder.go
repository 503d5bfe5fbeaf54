package host

import (
	"fmt"
	"os"
	"path/filepath"
)

// markFile is the name of a file that marks a data folder as a demo's.
const markFile = "banyan-demo"

// MarkDemoFolder marks a data folder as a demo's. A demo removes its folder when it
// ends; the mark is for one that was killed.
func MarkDemoFolder(folder string) error {
	text := []byte("The people, reviews and airdrops in this folder were invented by banyan demo. Delete it.\n")
	if err := os.WriteFile(filepath.Join(folder, markFile), text, 0o600); err != nil {
		return fmt.Errorf("mark the demo's folder: %w", err)
	}
	return nil
}

// refuseDemoFolder fails for a folder that MarkDemoFolder has marked: invented people
// and reviews must not be shown as real, and the folder's keys and sessions are a
// demo's. For a folder that cannot be read it returns nil: opening it fails.
func refuseDemoFolder(folder string) error {
	if _, err := os.Lstat(filepath.Join(folder, markFile)); err != nil {
		return nil
	}
	return fmt.Errorf("the folder %s was left behind by banyan demo and holds invented people and reviews, which would pass for real ones: "+
		"set data to another folder, and delete this one", folder)
}
