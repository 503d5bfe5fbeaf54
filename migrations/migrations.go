// Package migrations holds every schema of Banyan, as SQL for goose:
// <set>/<dialect>/NNNNN_name.sql. The sets "events" (outbox, inbox and webhooks),
// "ownership" (who may write), "once" (the answers to idempotency keys) and "jobs" are
// applied to every module's database beside the module's own. The databases "identity"
// and "routes" belong to no module and get their own set alone; those of an
// earlier release also have the shared tables, which stay there, empty:
// after a migration that dropped them, an operator could not go back to the earlier
// program.
//
// A migration that was released is never edited; write the next one.
package migrations

import "embed"

// FS is read by platform/database.
//
//go:embed */*/*.sql
var FS embed.FS

// Sets returns the sets of a database for database.Options: nil means those of a
// module.
func Sets(name string) []string {
	if name == "identity" || name == "routes" {
		return []string{name}
	}
	return nil
}
