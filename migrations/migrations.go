// Package migrations holds every schema of Banyan, as SQL for goose:
// <module>/<dialect>/NNNNN_name.sql. The sets "events" (outbox and inbox),
// "ownership" (who may write, and which data it is) and "once" (the answers to idempotency keys) go
// into every module's database beside the module's own.
//
// A migration that was released is never edited; write the next one.
package migrations

import "embed"

// FS is read by platform/database.
//
//go:embed */*/*.sql
var FS embed.FS
