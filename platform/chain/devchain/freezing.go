//go:build devchain

package devchain

import (
	"errors"
	"io"
	"reflect"
	"unsafe"

	"github.com/ethereum/go-ethereum/ethdb"
)

// stopFreezing ends the work of a node that once a minute moves the blocks that it calls
// final to where no reorganisation reaches them: those that tests make go deeper, and
// after the move they left a chain of two halves. go-ethereum has no setting for it,
// and names neither the database nor the field, so this reaches for them.
func stopFreezing(db ethdb.Database) error {
	field := func(of reflect.Value, name string) reflect.Value {
		for of.Kind() == reflect.Interface || of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct {
			return reflect.Value{}
		}
		return of.FieldByName(name)
	}
	freezer := field(field(reflect.ValueOf(db), "Database"), "chainFreezer")
	if !freezer.IsValid() || !freezer.CanAddr() {
		return errors.New("go-ethereum keeps its database in another way: look how it moves final blocks away, and end that")
	}
	closer, ok := reflect.NewAt(freezer.Type(), unsafe.Pointer(freezer.UnsafeAddr())).Elem().Interface().(io.Closer) //nolint:gosec // an unexported field, see above
	if !ok {
		return errors.New("go-ethereum moves final blocks away in another way: look how, and end that")
	}
	return closer.Close()
}
