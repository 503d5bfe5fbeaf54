package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"banyan/platform/fault"
)

// describe is a failure for the status that operators see: what happened, and the
// class of its cause. The cause itself is not quoted: it has what the other side
// sent, whoever that is, and addresses of this network. The log has it.
func describe(err error) string {
	f := fault.From(err)
	if class := ClassOf(err); class != "" {
		return f.Message + " (" + class + ")"
	}
	return f.Message
}

// ClassOf returns the class of a transport's error, "" where the message says all.
func ClassOf(err error) string {
	var (
		name    *net.DNSError
		trust   *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		unknown x509.UnknownAuthorityError
		network net.Error
	)
	switch {
	case errors.As(err, &name):
		return "its name cannot be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to its network"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "this process has no file descriptors left: raise its limit (ulimit -n, LimitNOFILE)"
	case errors.As(err, &trust), errors.As(err, &unknown):
		return "its certificate is not trusted"
	case errors.As(err, &alert):
		return "it refused the certificate of this process"
	case errors.As(err, &record), err != nil && strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "what answers there does not speak TLS"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "it closed the connection before it had answered"
	case errors.As(err, new(dialError)):
		return "no connection"
	// net/http has no type for these. The second is what it gives where bytes
	// come before it has asked anything, as of a program that greets.
	case err != nil && (strings.Contains(err.Error(), "malformed HTTP") || strings.Contains(err.Error(), "readLoopPeekFailLocked: %!w(<nil>)")):
		return "what answers there does not speak HTTP"
	case err != nil && strings.Contains(err.Error(), "server closed idle connection"):
		return "it closed the connection before it had answered"
	}
	return ""
}
