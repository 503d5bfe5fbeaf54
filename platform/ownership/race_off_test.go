//go:build !race

package ownership

const simSchedules = 10_000
