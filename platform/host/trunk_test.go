package host

import (
	"testing"

	"banyan/platform/certificates"
	"banyan/platform/identity"
	"banyan/platform/rollout"
)

// A process has one name, as an owner of writes, as a service and in its
// certificate: a certificate with another name would be refused by every peer.
func TestTheTrunkHasOneName(t *testing.T) {
	if certificates.Trunk != identity.Trunk || rollout.Trunk != identity.Trunk {
		t.Errorf("the trunk is %q in certificates, %q to modules and %q in tokens", certificates.Trunk, rollout.Trunk, identity.Trunk)
	}
	trunk := &Process{settings: &Settings{}}
	if trunk.name() != identity.Trunk {
		t.Errorf("the process of all modules is %q", trunk.name())
	}
	if module := (&Process{settings: &Settings{Module: "airdrop"}}); module.name() != "airdrop" {
		t.Errorf("a module that runs alone is %q", module.name())
	}
}
