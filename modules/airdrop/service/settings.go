package service

import "banyan/platform/config"

// Settings are the module's section of config.yaml.
type Settings struct {
	MaxRows             int `yaml:"max_rows"`    // of one list
	MaxWallets          int `yaml:"max_wallets"` // lines of one check
	MaxWalletsAnonymous int `yaml:"max_wallets_anonymous"`
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	c.Within("max_rows", s.MaxRows, 1, 1<<30)
	c.Within("max_wallets", s.MaxWallets, 1, 1<<30)
	c.Within("max_wallets_anonymous", s.MaxWalletsAnonymous, 1, s.MaxWallets)
}
