package redistest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"
)

// Certificates are the files of a server's certificate, its key, and the
// authority that signed it.
type Certificates struct{ CAFile, CertFile, KeyFile string }

func (s *Server) dial() (net.Conn, error) {
	d := &net.Dialer{Timeout: 2 * time.Second}
	if s.opts.TLS == nil {
		return d.Dial("tcp", s.Addr())
	}
	pem, err := os.ReadFile(s.opts.TLS.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return tls.DialWithDialer(d, "tcp", s.Addr(), &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})
}
