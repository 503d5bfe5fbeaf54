//go:build !unix

package host

import (
	"context"
	"time"
)

func freeSpace(string) (free uint64, known bool) { return 0, false }

func lookAtLimits(context.Context, *Diagnosis, func() time.Time) {}
