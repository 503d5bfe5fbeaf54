package outbox_test

import (
	"testing"

	"banyan/platform/database"
)

// number gives events the transaction numbers that PostgreSQL gave them, and the
// consumer a position among them.
func (w *world) number(statements ...string) {
	w.t.Helper()
	err := w.source.Write(w.t.Context(), func(tx *database.Tx) error {
		for _, statement := range statements {
			if _, err := tx.Exec(w.t.Context(), statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// Data that comes back from PostgreSQL has events with its transaction numbers. Those
// of SQLite have none, and would sort before every position.
func TestEventsOfDataThatCameBackFromPostgreSQLAreDelivered(t *testing.T) {
	for what, test := range map[string]struct {
		position string // that the consumer had in PostgreSQL
		want     string
	}{
		"all passed":          {`txid = 500, id = 1`, "new"},
		"the first is left":   {`txid = 400, id = 3`, "a b c new"}, // b and c again: the inbox knows them
		"the last is left":    {`txid = 0, id = 2`, "a b c new"},
		"passed and deleted":  {`txid = 900, id = 3`, "new"},
		"none was ever there": {`txid = 0, id = 0`, "a b c new"},
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(w *world) {
				if w.source.Dialect() != database.SQLite {
					return
				}
				w.publish("a", "b", "c")
				w.drain(w.relay(nil))
				w.number(`UPDATE event_outbox SET txid = CASE id WHEN 1 THEN 500 WHEN 2 THEN 300 ELSE 400 END`,
					`UPDATE event_consumer SET `+test.position)
				for _, statement := range []string{`DELETE FROM effect`, `DELETE FROM event_inbox`} {
					if err := w.receiver.Write(t.Context(), func(tx *database.Tx) error {
						_, err := tx.Exec(t.Context(), statement)
						return err
					}); err != nil {
						t.Fatal(err)
					}
				}
				w.publish("new")
				w.drain(w.relay(nil))
				w.wantEffects(test.want)
				w.drain(w.relay(nil))
				w.wantEffects(test.want)
			})
		})
	}
}
