package fault

import "errors"

// usageError marks a mistake in the command line, as opposed to work that failed:
// the program ends with another exit code.
type usageError struct{ error }

// Unwrap returns the error that says what is wrong.
func (u usageError) Unwrap() error { return u.error }

// Usage marks err as a mistake in the command line. Usage(nil) is nil.
func Usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// UsageOf returns a mistake in one part of the command line: a --flag or an
// ARGUMENT, and what is right. Its code is Invalid.
func UsageOf(part, message string) error {
	return Usage(New(Invalid, "the command line has a mistake").With(Field{Name: part, Message: message}))
}

// IsUsage reports whether err is a mistake in the command line.
func IsUsage(err error) bool {
	var u usageError
	return errors.As(err, &u)
}
