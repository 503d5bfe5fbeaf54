package transfer

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"banyan/platform/database"
)

// lane is one connection to one database that others use as well, for a move while the
// program serves: its reads and its writes are transactions of their own.
type lane interface {
	session
	beginRead(ctx context.Context) error // a snapshot
	beginWrite(ctx context.Context) error
	commit(ctx context.Context) error
	// rollback ends the transaction without a trace; without one it does nothing.
	rollback() error
	close() error

	// after reads up to limit rows with the keys after last, nil from the first, in the order of the keys.
	after(ctx context.Context, t table, last []any, limit int, row func(values []any) error) error
	// present reads the rows that have one of the keys.
	present(ctx context.Context, t table, keys [][]any, row func(values []any) error) error
	remove(ctx context.Context, t table, keys [][]any) error
	// put inserts rows; in SQLite each replaces those that it clashes with.
	put(ctx context.Context, t table, rows [][]any) error

	// position is what the transaction sees of the log.
	position(ctx context.Context) (string, error)
	// touched returns the keys that are in the log since a position, in the order
	// (table, key), after one of them.
	touched(ctx context.Context, since string, after touchedKey, limit int) ([]touchedKey, error)
	// missing counts entries that must be in the log since a position and are not.
	missing(ctx context.Context, since string) (int64, error)

	// loosenForeign and loosenIndexes remove what wants rows in an order, foreign keys and
	// unique indexes, and return the statements that put it back.
	loosenForeign(ctx context.Context, ts []table) (again []string, err error)
	loosenIndexes(ctx context.Context, ts []table) (again []string, err error)
	// validate checks the foreign keys that were put back without; it may last.
	validate(ctx context.Context) error
}

// touchedKey is a row that was written.
type touchedKey struct{ table, key string }

func openLane(ctx context.Context, o database.Options) (lane, error) {
	if isPostgres([]database.Options{o}) {
		return openPostgresLane(ctx, o)
	}
	return openSQLiteLane(ctx, o)
}

// parseKey reads the key of a row from the log.
func (t table) parseKey(line string) ([]any, error) {
	parts := strings.Split(line, ",")
	if len(parts) != len(t.keys) {
		return nil, fmt.Errorf("the log of the move names a row of %s by %q, which is not its key", t.name, line)
	}
	key := make([]any, len(parts))
	for i, at := range t.keys {
		var err error
		switch t.columns[at].kind {
		case integer:
			key[i], err = strconv.ParseInt(parts[i], 10, 64)
		case text:
			var b []byte
			b, err = hex.DecodeString(parts[i])
			key[i] = string(b)
		default:
			key[i], err = hex.DecodeString(parts[i])
		}
		if err != nil {
			return nil, fmt.Errorf("the log of the move names a row of %s by %q: %w", t.name, line, err)
		}
	}
	return key, nil
}

// formatKey writes a key as parseKey reads it, and as the triggers do.
func (t table) formatKey(key []any) string {
	parts := make([]string, len(key))
	for i, part := range key {
		switch part := part.(type) {
		case int64:
			parts[i] = strconv.FormatInt(part, 10)
		case string:
			parts[i] = hex.EncodeToString([]byte(part))
		case []byte:
			parts[i] = hex.EncodeToString(part)
		}
	}
	return strings.Join(parts, ",")
}

func (t table) keyOf(values []any) []any {
	key := make([]any, len(t.keys))
	for i, at := range t.keys {
		key[i] = values[at]
	}
	return key
}

// without returns the keys that have no row: the others are replaced.
func (t table) without(keys, rows [][]any) [][]any {
	there := make(map[string]struct{}, len(rows))
	for _, values := range rows {
		there[t.formatKey(t.keyOf(values))] = struct{}{}
	}
	var missing [][]any
	for _, key := range keys {
		if _, is := there[t.formatKey(key)]; !is {
			missing = append(missing, key)
		}
	}
	return missing
}

func (t table) keyNames() []string {
	names := make([]string, len(t.keys))
	for i, at := range t.keys {
		names[i] = t.columns[at].name
	}
	return names
}

// requireMovable fails for a table whose rows cannot be named in the log.
func (t table) requireMovable() error {
	if len(t.keys) == 0 {
		return fmt.Errorf("the table %s has no primary key: it cannot be moved while it is written", t.name)
	}
	for _, at := range t.keys {
		if t.columns[at].kind == real {
			return fmt.Errorf("the primary key of %s has the floating-point column %s: it cannot be moved while it is written", t.name, t.columns[at].name)
		}
	}
	return nil
}
