package transfer

import "banyan/platform/config"

// Settings say how a module's data moves while the program serves.
type Settings struct {
	Rate config.Bytes `yaml:"rate"` // of values in a second while rows are copied; 0 = as fast as it goes
	// Uploads is the most that is kept of uploads under way in files of the data folder, so
	// that they can be sent to where the data is by then; 0 = none.
	Uploads config.Bytes `yaml:"uploads"`
}
