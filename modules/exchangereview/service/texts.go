package service

import (
	"context"
	"fmt"

	"github.com/abadojack/whatlanggo"

	"banyan/platform/database"
)

const (
	languageLater  = "?"  // nobody has looked at the text yet
	languageBatch  = 200  // texts in one transaction
	languageText   = 600  // bytes of a text that are looked at
	languageLeast  = 24   // bytes of a text of which a language can be told
	languageBehind = 1000 // ids that are looked at again: transactions do not end in the order of theirs
)

// languageOf returns in which language a text seems to be, ISO 639-1; "" when that is
// not clear. It takes some 0.1 ms, which is why publishing does not wait for it.
func languageOf(text string) string {
	if len(text) < languageLeast {
		return ""
	}
	if len(text) > languageText {
		text = text[:languageText]
	}
	info := whatlanggo.Detect(text)
	if !info.IsReliable() {
		return ""
	}
	return info.Lang.Iso6391()
}

// ReadTexts looks at the texts of reviews that came since it last did: in which
// language they seem to be, and whether others say nearly the same.
func (j *Jobs) ReadTexts(ctx context.Context) error {
	for {
		looked := 0
		err := j.store.db.Write(ctx, func(tx *database.Tx) error {
			rows, err := withoutLanguage(ctx, tx, languageBehind, languageBatch)
			if looked = len(rows); err != nil || looked == 0 {
				return err
			}
			for _, row := range rows {
				if err := setLanguage(ctx, tx, row.ID, languageOf(row.Text)); err != nil {
					return err
				}
				if err := compare(ctx, tx, row, j.now.clock().UnixMilli()); err != nil {
					return err
				}
			}
			return lookedTo(ctx, tx, rows[looked-1].ID)
		})
		if err != nil {
			return fmt.Errorf("read the texts of reviews: %w", err)
		}
		if looked < languageBatch {
			return nil
		}
	}
}
