package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/musterbot/muster/campaign"
	"github.com/musterbot/muster/configs/secret"
)

// DefaultPrefix is what every key begins with when the address does not say.
const DefaultPrefix = "muster:"

// Address is where a store is, as Parse reads it.
type Address struct {
	Scheme string   // redis, rediss, redis+sentinel or redis+cluster
	Hosts  []string // host:port
	Master string   // the name of the master, with Sentinel
	DB     int      // with a single server and Sentinel
	Prefix string   // what every key begins with
	TLS    bool
	CA     string // the file of a certificate authority; "" means those of the system

	user, sentinelUser         string
	password, sentinelPassword secret.Secret
}

// String returns the address without user and password.
func (a Address) String() string { return a.Scheme + "://" + strings.Join(a.Hosts, ",") }

// GoString is String, so that %#v reveals no password.
func (a Address) GoString() string { return a.String() }

// The forms of an address.
const forms = "redis://[user:password@]host[:port][/db], rediss://… for TLS, redis+sentinel://[user:password@]host[:port],host[:port]/master or redis+cluster://[user:password@]host[:port],host[:port]"

// parameters are what may stand behind the question mark.
var parameters = []string{"db", "prefix", "ca", "tls", "sentinel_user", "sentinel_password"}

// bad refuses an address. why never quotes what may be a password.
func bad(why string) error {
	return campaign.Refuse(campaign.Invalid, "The address of the Redis store is wrong: "+why+". Nothing was opened; write "+forms+" in `store` or MUSTER_STORE.")
}

// Parse reads an address:
//
//	redis://[user:password@]host[:port][/db]
//	rediss://…                                      the same over TLS
//	redis+sentinel://[user:password@]host[:port],…/master
//	redis+cluster://[user:password@]host[:port],…
//
// Parameters after a question mark: db (the number of the database, not in a
// cluster), prefix (what keys begin with, "muster:" if not given), tls=true (for
// Sentinel and Cluster), ca (the PEM file of the authority that signed the
// servers' certificates; those of the system if not given), sentinel_user and
// sentinel_password (of the Sentinels themselves). What has a special meaning
// in a URL is written as %XX. An error is Invalid and never quotes a password.
func Parse(address string) (Address, error) {
	a := Address{Prefix: DefaultPrefix}
	scheme, rest, found := strings.Cut(address, "://")
	port := "6379"
	switch a.Scheme = scheme; scheme {
	case "redis", "redis+cluster":
	case "rediss":
		a.TLS = true
	case "redis+sentinel":
		port = "26379"
	default:
		found = false
	}
	if !found {
		return a, bad("it does not begin with redis://, rediss://, redis+sentinel:// or redis+cluster://")
	}
	if strings.Contains(rest, "#") {
		return a, bad("it has a # (written as %23 in a password)")
	}
	rest, query, _ := strings.Cut(rest, "?")
	if err := a.readUser(&rest); err != nil {
		return a, err
	}
	hosts, path, _ := strings.Cut(rest, "/")
	if err := a.readHosts(hosts, port); err != nil {
		return a, err
	}
	path, err := url.PathUnescape(strings.TrimSuffix(path, "/"))
	if err != nil {
		return a, bad("what stands after the host cannot be read")
	}
	if err := a.readQuery(query); err != nil {
		return a, err
	}
	return a, a.readPath(path)
}

func (a *Address) readUser(rest *string) error {
	at := strings.LastIndex(*rest, "@")
	if at < 0 {
		return nil
	}
	user, password, _ := strings.Cut((*rest)[:at], ":")
	*rest = (*rest)[at+1:]
	var err error
	a.user, err = url.PathUnescape(user)
	plain, err2 := url.PathUnescape(password)
	a.password = secret.New(plain)
	if err != nil || err2 != nil || strings.ContainsAny(user+password, "/@") {
		return bad("user or password cannot be read (/, @, % and the like are written as %XX)")
	}
	return nil
}

func (a *Address) readHosts(hosts, port string) error {
	for _, host := range strings.Split(hosts, ",") {
		name, p, err := net.SplitHostPort(host)
		if err != nil {
			name, p, err = net.SplitHostPort(host + ":" + port)
		}
		if n, perr := strconv.ParseUint(p, 10, 16); err != nil || name == "" || perr != nil || n == 0 {
			return bad("it has no host, or a host or port that cannot be read")
		}
		a.Hosts = append(a.Hosts, net.JoinHostPort(name, p))
	}
	if strings.HasPrefix(a.Scheme, "redis+") {
		return nil
	}
	if len(a.Hosts) > 1 {
		return bad("several hosts need redis+sentinel:// or redis+cluster://")
	}
	return nil
}

func (a *Address) readQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return bad("what stands after the question mark cannot be read")
	}
	for name, list := range values {
		if !slices.Contains(parameters, name) || len(list) != 1 {
			return bad("after the question mark may stand once each: " + strings.Join(parameters, ", "))
		}
	}
	if values.Has("prefix") {
		a.Prefix = values.Get("prefix")
	}
	if len(a.Prefix) > 64 || strings.ContainsAny(a.Prefix, "{}") {
		return bad("prefix has at most 64 bytes and no braces")
	}
	switch values.Get("tls") {
	case "", "false":
	case "true":
		a.TLS = true
	default:
		return bad("tls is true or false")
	}
	if values.Get("tls") == "false" && a.Scheme == "rediss" {
		return bad("rediss:// always has TLS")
	}
	a.CA = values.Get("ca")
	if a.CA != "" && !a.TLS {
		return bad("ca is for TLS: write rediss://, or tls=true")
	}
	a.sentinelUser, a.sentinelPassword = values.Get("sentinel_user"), secret.Secret{}
	if values.Has("sentinel_password") {
		a.sentinelPassword = secret.New(values.Get("sentinel_password"))
	}
	if a.Scheme != "redis+sentinel" && a.sentinelUser+a.sentinelPassword.Reveal() != "" {
		return bad("sentinel_user and sentinel_password are for redis+sentinel://")
	}
	return a.readDB(values.Get("db"))
}

func (a *Address) readDB(text string) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n > 0 && a.Scheme == "redis+cluster" {
		return bad("db is a number, and a cluster has only 0")
	}
	a.DB = int(n)
	return nil
}

// readPath reads the database, or with Sentinel the name of the master.
func (a *Address) readPath(path string) error {
	switch {
	case a.Scheme == "redis+sentinel" && (path == "" || strings.Contains(path, "/")):
		return bad("the name of the master stands after the hosts: redis+sentinel://host,host/name")
	case a.Scheme == "redis+sentinel":
		a.Master = path
		return nil
	case path != "" && a.Scheme == "redis+cluster":
		return bad("nothing stands after the hosts of a cluster")
	}
	return a.readDB(path)
}

const (
	dialFor  = 2 * time.Second
	readFor  = 3 * time.Second
	poolSize = 64
)

// connect makes the client. It does not wait for a connection; greet is called
// with each new one.
func (a Address) connect(greet func(context.Context, *goredis.Conn) error) (goredis.UniversalClient, error) {
	tlsConfig, err := a.tlsConfig()
	if err != nil {
		return nil, err
	}
	o := &goredis.UniversalOptions{
		Addrs: a.Hosts, DB: a.DB, MasterName: a.Master, IsClusterMode: a.Scheme == "redis+cluster",
		Username: a.user, Password: a.password.Reveal(), SentinelUsername: a.sentinelUser, SentinelPassword: a.sentinelPassword.Reveal(),
		TLSConfig: tlsConfig, OnConnect: greet, ClientName: "muster", Protocol: 2, DisableIdentity: true,
		MaxRetries: -1, DialerRetries: 1, DialTimeout: dialFor, ReadTimeout: readFor, WriteTimeout: readFor,
		PoolSize: poolSize, PoolTimeout: readFor,
	}
	switch a.Scheme {
	case "redis+sentinel":
		client := goredis.NewFailoverClient(o.Failover())
		client.AddHook(watch{})
		return client, nil
	case "redis+cluster":
		client := goredis.NewClusterClient(o.Cluster())
		client.OnNewNode(func(node *goredis.Client) { node.AddHook(watch{}) })
		return client, nil
	}
	client := goredis.NewClient(o.Simple())
	client.AddHook(watch{})
	return client, nil
}

func (a Address) tlsConfig() (*tls.Config, error) {
	if !a.TLS {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.CA == "" {
		return out, nil
	}
	pem, err := os.ReadFile(a.CA)
	out.RootCAs = x509.NewCertPool()
	if err == nil && !out.RootCAs.AppendCertsFromPEM(pem) {
		err = fmt.Errorf("read %s: no certificate in PEM", a.CA)
	}
	if err != nil {
		return nil, &campaign.Error{Kind: campaign.Invalid, Err: err, Message: fmt.Sprintf(
			"The certificates in %s, the `ca` of the Redis store's address, cannot be read. Nothing was opened; name a PEM file that this user may read.", a.CA)}
	}
	return out, nil
}
