package transfer

import "banyan/platform/config"

// Settings say how a module's data moves while the program serves.
type Settings struct {
	Rate config.Bytes `yaml:"rate"` // of values in a second while rows are copied; 0 = as fast as it goes
}
