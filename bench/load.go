package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// connections are kept alive and each waits for an answer before it asks again.
const connections = 64

// callers are the clients of one server. They do as little as possible, because they
// compete with the server for the CPUs.
type callers struct {
	server *process
	all    []caller
}

type caller struct {
	net.Conn
	in       *bufio.Reader
	requests [][]byte
	claims   []asked
}

// longestAnswer is the size of a buffer for a claim and its headers.
const longestAnswer = 16 << 10

func dialAll(ctx context.Context, server *process, claims []asked) (*callers, error) {
	requests := make([][]byte, len(claims))
	for i, c := range claims {
		requests[i] = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", c.Path, strings.TrimPrefix(server.url, "http://"))
	}
	c := &callers{server: server}
	for range connections {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(server.url, "http://"))
		if err != nil {
			c.close()
			return nil, err
		}
		c.all = append(c.all, caller{Conn: conn, in: bufio.NewReaderSize(conn, longestAnswer), requests: requests, claims: claims})
	}
	return c, nil
}

func (c *callers) close() {
	for _, one := range c.all {
		_ = one.Close() // nothing is lost
	}
}

// turnTimeout bounds one turn.
const turnTimeout = 2 * time.Minute

// ask sends count requests over all connections.
func (c *callers) ask(ctx context.Context, count int) (spent cost, err error) {
	before, unknown := processTime(c.server.pid)
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for i, one := range c.all {
		group.Go(func() error {
			if err := one.SetDeadline(start.Add(turnTimeout)); err != nil {
				return err
			}
			return one.ask(ctx, count*i/connections, count*(i+1)/connections)
		})
	}
	if err := group.Wait(); err != nil {
		return spent, err
	}
	spent.took = time.Since(start)
	after, err := processTime(c.server.pid)
	if err != nil || unknown != nil {
		if errors.Is(unknown, errors.ErrUnsupported) {
			err = nil
		}
		return spent, err
	}
	spent.used = after - before
	return spent, nil
}

// ask sends requests one after the other and compares each answer.
func (c caller) ask(ctx context.Context, from, to int) error {
	const apart = 7919 // a prime, so that consecutive requests are not neighbours on the list
	for i := from; i < to; i++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		which := i * apart % len(c.requests)
		if _, err := c.Write(c.requests[which]); err != nil {
			return err
		}
		answer, err := c.answer()
		if err != nil {
			return err
		}
		if err := c.claims[which].check(answer); err != nil {
			return err
		}
		if _, err := c.in.Discard(len(answer)); err != nil {
			return err
		}
	}
	return nil
}

// answer reads to the end of one answer; its body stays in the buffer.
func (c caller) answer() (body []byte, err error) {
	status, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(status, []byte(" 200 ")) {
		return nil, fmt.Errorf("answered %s", status)
	}
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if len(line) <= len("\r\n") {
			break
		}
		if value, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, errors.New("answered without a Content-Length")
	}
	return c.in.Peek(length)
}
