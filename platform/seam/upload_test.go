package seam_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

// anUpload returns bytes that are like no others.
func anUpload(size int) []byte {
	text := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(text)
	return text
}

// writesLeft is the refusal of a process that the writes have left.
var writesLeft = fault.New(fault.Conflict, "another process is the owner")

// A large upload that the fence refuses when some of it, or all, has been read is done
// once by the new owner, in both directions, and as it was sent.
func TestARefusedUploadIsReadFromItsStartByTheNewOwner(t *testing.T) {
	sent := anUpload(20 << 20)
	for name, c := range map[string]struct {
		from, to seam.Mode
		by       string
		read     int64 // before it is refused
	}{
		"to the remote, after all of it":     {seam.ModeLocal, seam.ModeRemote, "there", 20 << 20},
		"to the remote, after a part":        {seam.ModeLocal, seam.ModeRemote, "there", 3<<20 + 5},
		"to the remote, after the first few": {seam.ModeLocal, seam.ModeRemote, "there", 100},
		"back, after all of it":              {seam.ModeRemote, seam.ModeLocal, "here", 20 << 20},
		"back, after a part":                 {seam.ModeRemote, seam.ModeLocal, "here", 3<<20 + 5},
	} {
		t.Run(name, func(t *testing.T) {
			folder, refused, done := t.TempDir(), make(chan struct{}), make(map[string]int)
			side := func(name string) *scripted {
				return &scripted{name: name, imports: func(_ context.Context, u upload) (changed, error) {
					if name != c.by {
						if _, err := io.CopyN(io.Discard, u.Body, c.read); err != nil {
							return changed{}, err
						}
						close(refused)
						return changed{}, writesLeft
					}
					got := sha256.New()
					if _, err := io.Copy(got, u.Body); err != nil {
						return changed{}, err
					}
					if want := sha256.Sum256(sent); !bytes.Equal(got.Sum(nil), want[:]) {
						return changed{}, errors.New("other bytes have come than were sent")
					}
					done[name]++
					return changed{name}, nil
				}}
			}
			remote, _ := serveScripted(t, side("there"))
			r := begin(t, side("here"), seam.RouteOptions{
				Lost: func(err error) bool { return fault.Is(err, fault.Conflict) }, Uploads: seam.NewUploads(folder, 32<<20),
			})
			set(t, r, c.from, 0, remote)
			go func() {
				<-refused
				set(t, r, c.to, 0, remote)
			}()
			answer, err := opImport.Call(as(member), r, upload{Body: io.MultiReader(bytes.NewReader(sent))})
			if err != nil || answer.By != c.by || done[c.by] != 1 {
				t.Errorf("got %+v, %v, done %d times", answer, err, done[c.by])
			}
			requireEmpty(t, folder)
		})
	}
}

func requireEmpty(t *testing.T, folder string) {
	t.Helper()
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("%d files of uploads are left (%v)", len(left), err)
	}
}

// What is kept is bounded, all uploads together: one that was too long to keep is refused, and
// never sent from its middle. A next one finds the place empty.
func TestAnUploadThatIsNotKeptIsRefused(t *testing.T) {
	remote, _ := serveScripted(t, &scripted{name: "there"}) // would take the rest for the whole
	folder := t.TempDir()
	for name, uploads := range map[string]*seam.Uploads{
		"over the bound": seam.NewUploads(folder, 1<<20), "without a folder": seam.NewUploads(folder+"/none", 1<<30), "in memory alone": nil,
	} {
		t.Run(name, func(t *testing.T) {
			var r *seam.Route
			r = begin(t, &scripted{imports: func(_ context.Context, u upload) (changed, error) {
				n, err := io.Copy(io.Discard, u.Body)
				if n != 2<<20 || err != nil {
					t.Errorf("read %d bytes, %v", n, err)
				}
				return changed{}, errors.Join(writesLeft, r.Set(seam.Plan{Mode: seam.ModeRemote}, remote))
			}}, seam.RouteOptions{Lost: func(err error) bool { return errors.Is(err, writesLeft) }, Uploads: uploads})
			for range 3 {
				set(t, r, seam.ModeLocal, 0, remote)
				if _, err := opImport.Call(as(member), r, upload{Body: bytes.NewReader(anUpload(2 << 20))}); !errors.Is(err, writesLeft) {
					t.Errorf("got %v", err)
				}
				requireEmpty(t, folder)
			}
		})
	}
}

// A refused upload gives its place back to the next.
func TestWhatIsKeptOfUploadsIsFreeAfterThem(t *testing.T) {
	uploads := seam.NewUploads(t.TempDir(), 3<<20)
	for n := range 5 {
		remote, _ := serveScripted(t, &scripted{name: "there"})
		var r *seam.Route
		r = begin(t, &scripted{imports: func(_ context.Context, u upload) (changed, error) {
			_, err := io.Copy(io.Discard, u.Body)
			return changed{}, errors.Join(writesLeft, err, r.Set(seam.Plan{Mode: seam.ModeRemote}, remote))
		}}, seam.RouteOptions{Lost: func(err error) bool { return errors.Is(err, writesLeft) }, Uploads: uploads})
		if answer, err := opImport.Call(as(member), r, upload{Body: bytes.NewReader(anUpload(2 << 20))}); err != nil || answer.By != "there" {
			t.Fatalf("upload %d: %+v, %v", n, answer, err)
		}
	}
}

// While writes are held nothing of an upload is read; then it is read once.
func TestAnUploadWaitsUnreadWhileWritesAreHeld(t *testing.T) {
	var reads int
	body := readerFunc(func(p []byte) (int, error) {
		reads++
		return 0, io.EOF
	})
	remote, _ := serveScripted(t, &scripted{name: "there"})
	asked := make(chan struct{})
	var r *seam.Route
	r = begin(t, &scripted{name: "here"}, seam.RouteOptions{
		Lost: func(err error) bool { return errors.Is(err, writesLeft) },
		Admit: func(context.Context) error {
			close(asked)
			if reads != 0 {
				t.Error("the upload was read before writes were let through")
			}
			return errors.Join(writesLeft, r.Set(seam.Plan{Mode: seam.ModeRemote}, remote))
		},
	})
	answer, err := opImport.Call(as(member), r, upload{Body: body})
	if err != nil || answer.By != "there" || reads == 0 {
		t.Errorf("%+v, %v after %d reads", answer, err, reads)
	}
	select {
	case <-asked:
	default:
		t.Error("nobody was asked")
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
