// Package devchain is a chain of its own in this process, for demonstrations and
// tests: go-ethereum's node without a network, whose blocks are sealed when they are
// wanted. All but this comment is compiled with the build tag devchain only, because
// the node is large.
//
//	c, err := devchain.Start(devchain.Options{Funded: accounts})
//	defer c.Close()
//	nodes := []chain.Node{{ChainID: devchain.ID, URL: c.URL()}}
package devchain
