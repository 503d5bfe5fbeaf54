// Package plain says whether this program was built without its tricks for speed.
//
// A trick is code that is longer than what it replaces only to be faster: memory
// that is used again, contexts and connections of our own, JSON that is written by
// hand. Each has a plain twin, which the build tag plain turns on everywhere:
//
//	go test -tags plain ./platform/seam/... ./platform/httpserver/...
//
// A defect that is gone with the tag is one of a trick.
package plain
