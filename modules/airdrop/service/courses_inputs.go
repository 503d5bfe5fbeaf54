package service

import (
	"context"
	"io"
	"strings"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/rules"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam"
)

// UploadInput implements Courses. The file is stored beside the old one and read as a
// whole before the last, small transaction makes it that of the source.
func (s *service) UploadInput(ctx context.Context, u airdrop.InputUpload) (airdrop.Course, error) {
	row, source, err := s.sourceOf(ctx, u.ID, u.Source)
	if err != nil {
		return airdrop.Course{}, err
	}
	if err := changeable(row); err != nil {
		return airdrop.Course{}, err
	}
	kept, err := s.files.keep(ctx, orEmpty(u.Body))
	if err != nil {
		return airdrop.Course{}, err
	}
	if source.SHA256 != "" && source.SHA256 != kept.sha256 {
		return airdrop.Course{}, fault.Newf(fault.Conflict, "the file has the SHA-256 %s, and the rules name %s: send the file that is meant, or correct the rules", kept.sha256, source.SHA256)
	}
	table, _, err := rules.ReadTable(ctx, s.files.open(ctx, kept.id), source, s.reading())
	if err != nil {
		return airdrop.Course{}, err
	}
	name := u.Name
	if name == "" {
		name = fileName(source)
	}
	var answer airdrop.Course
	err = s.options.DB.Write(ctx, func(tx *database.Tx) error {
		_, err := s.store.changeCourse(ctx, tx, u.ID, func(now *courseRow) error {
			if now.Rules != row.Rules {
				return fault.New(fault.Conflict, "the rules were changed while the file was sent: send it again")
			}
			now.Phase = airdrop.Draft
			return changeable(*now)
		})
		if err != nil {
			return err
		}
		if err := s.store.setInput(ctx, tx, inputRow{Campaign: u.ID, Source: u.Source, FileID: kept.id, Name: name, SHA256: kept.sha256, Bytes: kept.bytes, Rows: table.Rows}); err != nil {
			return err
		}
		if err := s.store.dropInputs(ctx, tx, u.ID, reviewedName(u.Source)); err != nil { // it was made from the file before
			return err
		}
		answer, err = s.describe(ctx, tx, u.ID)
		return err
	})
	return answer, err
}

// fileName is what the file of a source is called.
func fileName(s rules.Source) string {
	if s.File == "" {
		return s.Name + ".csv"
	}
	return s.File[strings.LastIndexAny(s.File, "/\\")+1:]
}

// sourceOf returns a source of a campaign's rules.
func (s *service) sourceOf(ctx context.Context, id, name string) (courseRow, rules.Source, error) {
	row, err := s.store.course(ctx, s.options.DB.Read(), id)
	if err != nil {
		return row, rules.Source{}, err
	}
	parsed, err := rules.Parse([]byte(row.Rules))
	if err != nil {
		return row, rules.Source{}, damaged(id, "its rules", err)
	}
	source := parsed.Source(name)
	if source == nil {
		return row, rules.Source{}, fault.NoSuch("source", "the rules of the campaign have no source %.40q: choose one of those that its page of rules lists", name)
	}
	return row, *source, nil
}

// InputFile implements Courses.
func (s *service) InputFile(ctx context.Context, q airdrop.InputQuery) (seam.Stream, error) {
	if _, _, err := s.sourceOf(ctx, q.ID, q.Source); err != nil {
		return seam.Stream{}, err
	}
	inputs, err := s.store.inputs(ctx, s.options.DB.Read(), q.ID)
	if err != nil {
		return seam.Stream{}, err
	}
	in := used(inputs, q.Source)
	if in.FileID == "" {
		return seam.Stream{}, fault.NoSuch("input", "the source %s has no file yet: upload it, or collect", q.Source)
	}
	return seam.Stream{ContentType: "application/octet-stream", Write: func(w io.Writer) error {
		_, err := io.Copy(w, s.files.open(ctx, in.FileID))
		return err
	}}, nil
}
