package keccak

import (
	"fmt"
	"os"
	"strings"
)

// Variable is the environment variable that overrides the choice, for tests
// and measurements.
const Variable = "BANYAN_KECCAK"

// Best returns the fastest engine of this processor, or the one that
// BANYAN_KECCAK names. It fails when that engine is unknown or cannot run here.
func Best() (Engine, error) {
	name := os.Getenv(Variable)
	if name == "" {
		return Engines()[0], nil
	}
	engine, err := Named(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Variable, err)
	}
	return engine, nil
}

// Named returns the engine of this name, if it runs on this processor.
func Named(name string) (Engine, error) {
	var names []string
	for _, engine := range Engines() {
		if engine.Name() == name {
			return engine, nil
		}
		names = append(names, engine.Name())
	}
	return nil, fmt.Errorf("there is no Keccak engine %q on this processor: choose one of %s", name, strings.Join(names, ", "))
}
