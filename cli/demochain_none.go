//go:build !devchain

package cli

import "banyan/platform/wallet"

// startDemoChain starts no chain: the program was built without the tag devchain.
func startDemoChain(wallet.Address) (demoChain, error) { return nil, nil } //nolint:nilnil // without a chain claims are checked, and not made
