// Package browserwallet has the script with which pages talk to the wallets of a
// browser: it finds them, asks them, changes their chain, and sends transactions. The
// site's pages and the pages that are exported for any file host share it.
package browserwallet

import (
	"embed"
	"io/fs"
)

// Name is the file's name.
const Name = "browser-wallet.js"

//go:embed browser-wallet.js
var files embed.FS

// Files has the script alone.
func Files() fs.FS { return files }
