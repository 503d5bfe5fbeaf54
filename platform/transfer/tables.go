package transfer

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"banyan/platform/fault"
)

// kind is a type of column that both databases have.
type kind byte

const (
	integer kind = 'i' // int64
	real    kind = 'r' // float64
	text    kind = 't' // string
	blob    kind = 'b' // []byte
)

// kinds is the one map of types: what a migration may use in SQLite and in PostgreSQL.
var kinds = map[string]kind{
	"INTEGER": integer, "REAL": real, "TEXT": text, "BLOB": blob,
	"bigint": integer, "integer": integer, "double precision": real, "text": text, "bytea": blob,
}

// column is a column that is stored; generated ones are made again.
type column struct {
	name string
	kind kind
}

type table struct {
	name    string
	columns []column // by name: the order of both sides
	keys    []int    // of columns: the primary key, in its order; none without one
	ids     string   // the column whose values the database gives; "" without
}

func newTable(name string, columns []column, keys []string, ids string) table {
	slices.SortFunc(columns, func(a, b column) int { return strings.Compare(a.name, b.name) })
	t := table{name: name, columns: columns, ids: ids}
	for _, key := range keys {
		t.keys = append(t.keys, slices.IndexFunc(columns, func(c column) bool { return c.name == key }))
	}
	return t
}

// key is a column to name a row by.
func (t table) key() int {
	if len(t.keys) == 0 {
		return 0
	}
	return t.keys[0]
}

func (t table) names() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

// kindOf fails for a type that this package does not know.
func kindOf(table, column, declared string) (kind, error) {
	k, known := kinds[declared]
	if !known {
		return 0, fmt.Errorf("the column %s of %s has the type %s, which cannot be copied: use one of the types of platform/transfer", column, table, declared)
	}
	return k, nil
}

// sameTables fails unless both sides have the same tables with the same columns.
func sameTables(database string, from, into []table) error {
	there := map[string]table{}
	for _, t := range from {
		there[t.name] = t
	}
	for _, t := range into {
		if !slices.Equal(there[t.name].columns, t.columns) {
			return fmt.Errorf("the table %s of %s differs between SQLite and PostgreSQL: its migrations must make the same columns", t.name, database)
		}
		delete(there, t.name)
	}
	for name := range there {
		return fmt.Errorf("the table %s of %s is missing on the other side: its migrations must make the same tables", name, database)
	}
	return nil
}

// check fails with fault.Invalid for values that one of the databases cannot store.
func (t table) check(values []any) error {
	for i, v := range values {
		what := ""
		switch v := v.(type) {
		case nil, int64, []byte:
		case float64:
			if math.IsNaN(v) {
				what = "is not a number, which SQLite cannot store"
			}
		case string:
			switch {
			case !utf8.ValidString(v):
				what = "is not UTF-8, which PostgreSQL does not store"
			case strings.Contains(v, "\x00"):
				what = "has a zero byte in it, which PostgreSQL does not store"
			}
		default:
			return fmt.Errorf("%s was read as %T", t.columns[i].name, v)
		}
		if what != "" {
			return fault.Newf(fault.Invalid, "%s of the row with %s %v %s: correct or delete the row, and copy again",
				t.columns[i].name, t.columns[t.key()].name, readable(values[t.key()]), what)
		}
	}
	return nil
}

func readable(v any) any {
	if b, is := v.([]byte); is {
		return fmt.Sprintf("%x", b)
	}
	return v
}

// sum is the number of rows and the sum of their hashes: independent of their order.
type sum struct {
	rows   int64
	hi, lo uint64
}

func (s sum) String() string { return fmt.Sprintf("%016x%016x", s.hi, s.lo) }

// add adds a row. Equal values of both databases are equal bytes: SQLite has no -0.
func (s *sum) add(values []any) {
	row := make([]byte, 0, 256)
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			row = append(row, 'n')
		case int64:
			row = binary.BigEndian.AppendUint64(append(row, byte(integer)), uint64(v))
		case float64:
			row = binary.BigEndian.AppendUint64(append(row, byte(real)), math.Float64bits(v+0)) // -0 + 0 is 0
		case string:
			row = append(binary.BigEndian.AppendUint64(append(row, byte(text)), uint64(len(v))), v...)
		case []byte:
			row = append(binary.BigEndian.AppendUint64(append(row, byte(blob)), uint64(len(v))), v...)
		}
	}
	digest := sha256.Sum256(row)
	s.rows++
	s.hi += binary.BigEndian.Uint64(digest[:])
	s.lo += binary.BigEndian.Uint64(digest[8:])
}
