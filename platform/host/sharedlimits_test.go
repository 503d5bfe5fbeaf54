package host_test

import (
	"path/filepath"
	"strings"
	"testing"

	"banyan/platform/config"
)

func TestWrongSettingsOfRedisAreNamed(t *testing.T) {
	load := func(settings map[string]string) error {
		p, _ := program(t)
		_, err := p.Load(config.Options{BuiltIn: true, Flags: settings})
		return err
	}
	away := filepath.Join(t.TempDir(), "none.pem")
	for _, c := range []struct {
		settings map[string]string
		want     string
	}{
		{map[string]string{"redis.url": "http://127.0.0.1:6379"}, "redis.url: is not the address of a Redis server"},
		{map[string]string{"redis.url": "redis://:6379"}, "redis.url: is not the address"},
		{map[string]string{"redis.url": "redis://user:hidden@127.0.0.1"}, "redis.password"},
		{map[string]string{"redis.url": "redis://127.0.0.1/zero"}, "redis.url: has the path"},
		{map[string]string{"redis.url": "redis://127.0.0.1/0?x=1"}, "redis.url: has more than a server"},
		{map[string]string{"redis.url": "redis://127.0.0.1", "redis.user": "u"}, "redis.user: needs redis.password"},
		{map[string]string{"redis.url": "redis://127.0.0.1", "redis.ca": away}, "redis.ca: is for TLS"},
		{map[string]string{"redis.url": "rediss://127.0.0.1", "redis.ca": away}, "redis.ca: names a file that cannot be read"},
		{map[string]string{"redis.url": "redis://127.0.0.1", "redis.prefix": "{a}"}, "redis.prefix"},
	} {
		err := load(c.settings)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%v: %v, want %s", c.settings, err, c.want)
		}
	}
	if err := load(map[string]string{"redis.url": "rediss://cache.example.org/3", "redis.user": "u", "redis.password": "p"}); err != nil {
		t.Errorf("right settings are refused: %v", err)
	}
}
