package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/musterbot/muster/campaign"
)

// errNoService says that nobody listens at the socket.
var errNoService = errors.New("no service is running")

// localClient asks the running service over its socket.
type localClient struct {
	http *http.Client
}

const dialFor = 2 * time.Second

// dialLocal connects to the service that holds the store, or returns
// errNoService. A socket that a dead service left behind counts as none; the
// next holder of the store removes it.
func dialLocal(ctx context.Context, store string) (*localClient, error) {
	path, err := socketPath(store)
	if err != nil {
		return nil, err
	}
	dial := func(ctx context.Context) (net.Conn, error) {
		var conn net.Conn
		err := withShortPath(path, func(short string) (err error) {
			dialer := net.Dialer{Timeout: dialFor}
			conn, err = dialer.DialContext(ctx, "unix", short)
			return err
		})
		return conn, err
	}
	conn, err := dial(ctx)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, errNoService
	case errors.Is(err, os.ErrPermission):
		return nil, &campaign.Error{Kind: campaign.Forbidden, Err: err, Message: fmt.Sprintf("The service that holds the store is reached by %s, which belongs to another user. Nothing was changed; run this as the user of the service.", path)}
	case err != nil:
		return nil, fmt.Errorf("reach the running service: %w", err)
	}
	_ = conn.Close()
	transport := &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxIdleConnsPerHost: 1, DisableCompression: true,
	}
	return &localClient{http: &http.Client{Transport: transport}}, nil
}

func (c *localClient) close() error {
	c.http.CloseIdleConnections()
	return nil
}

// ImportScans implements estate. Only scans cross the socket; what was refused
// here is added to the report here.
func (c *localClient) ImportScans(ctx context.Context, r campaign.Request, scans iter.Seq2[campaign.Scan, *campaign.Refusal]) (campaign.ImportReport, error) {
	var refused []campaign.Refusal
	report, err := sendLocal[campaign.ImportReport](ctx, c, r, localImport+"inventory", func(send func(any) error) error {
		for scan, refusal := range scans {
			if refusal != nil {
				refused = append(refused, *refusal)
				continue
			}
			if err := send(scan); err != nil {
				return err
			}
		}
		return nil
	})
	report.Refused = append(refused, report.Refused...)
	return report, err
}

// ImportCatalog implements estate.
func (c *localClient) ImportCatalog(ctx context.Context, r campaign.Request, fresh campaign.Catalog) (campaign.ImportReport, error) {
	return sendLocal[campaign.ImportReport](ctx, c, r, localImport+"catalog", func(send func(any) error) error { return send(fresh) })
}

// ShrinkCatalog implements estate.
func (c *localClient) ShrinkCatalog(ctx context.Context, r campaign.Request, fresh campaign.Catalog) (campaign.ImportReport, error) {
	return sendLocal[campaign.ImportReport](ctx, c, r, localImport+"catalog?gone=yes", func(send func(any) error) error { return send(fresh) })
}

// ImportRows implements estate.
func (c *localClient) ImportRows(ctx context.Context, r campaign.Request, id string, rows []campaign.Row) (campaign.ImportReport, error) {
	return sendLocal[campaign.ImportReport](ctx, c, r, localImport+"targets?campaign="+url.QueryEscape(id), func(send func(any) error) error {
		for _, row := range rows {
			if err := send(row); err != nil {
				return err
			}
		}
		return nil
	})
}

// ImportVendors implements estate.
func (c *localClient) ImportVendors(ctx context.Context, r campaign.Request, id string, list campaign.VendorList) (campaign.ImportReport, error) {
	const atOnce = 1000
	return sendLocal[campaign.ImportReport](ctx, c, r, localImport+"vendors?campaign="+url.QueryEscape(id), func(send func(any) error) error {
		for part := range slices.Chunk(list.Products, atOnce) {
			if err := send(campaign.VendorList{Products: part}); err != nil {
				return err
			}
		}
		for part := range slices.Chunk(list.Statements, atOnce) {
			if err := send(campaign.VendorList{Statements: part}); err != nil {
				return err
			}
		}
		return nil
	})
}

// WrittenReport implements estate.
func (c *localClient) WrittenReport(ctx context.Context, id string) (campaign.WrittenReport, error) {
	return callLocal[campaign.WrittenReport](ctx, c, campaign.Request{}, localReport+"?campaign="+url.QueryEscape(id), http.NoBody)
}

// sendLocal streams records, one a line, and returns the answer. write runs in
// a goroutine that ends before sendLocal returns.
func sendLocal[T any](ctx context.Context, c *localClient, r campaign.Request, path string, write func(send func(any) error) error) (T, error) {
	body, in := io.Pipe()
	written := make(chan error, 1)
	go func() {
		encoder := json.NewEncoder(in)
		err := write(encoder.Encode)
		_ = in.CloseWithError(err)
		written <- err
	}()
	result, err := callLocal[T](ctx, c, r, path, body)
	_ = body.Close() // ends write when the service did not read to the end
	if failed := <-written; err == nil && failed != nil {
		err = fmt.Errorf("send to the running service: %w", failed)
	}
	return result, err
}

func readLocal[T any](ctx context.Context, c *localClient, call readCall) (T, error) {
	body, err := json.Marshal(call)
	if err != nil {
		return *new(T), fmt.Errorf("encode %s: %w", call.Call, err)
	}
	return callLocal[T](ctx, c, campaign.Request{}, localRead, bytes.NewReader(body))
}

// callLocal makes one request. The host in its address serves nobody.
func callLocal[T any](ctx context.Context, c *localClient, r campaign.Request, path string, body io.Reader) (T, error) {
	var answer localAnswer[T]
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://muster"+path, body)
	if err != nil {
		return answer.Result, fmt.Errorf("ask the running service: %w", err)
	}
	request.Header.Set(actorHeader, string(r.Actor))
	resp, err := c.http.Do(request)
	if err != nil {
		return answer.Result, &campaign.Error{Kind: campaign.Unavailable, Err: err, Message: "The running service did not answer to the end; what it had received is kept. Run this again; what is there already counts as unchanged."}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return answer.Result, &campaign.Error{Kind: campaign.Invalid, Err: errors.New(resp.Status), Message: "The running service does not know what was asked. Nothing was changed; use the same version of muster as the service."}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return answer.Result, &campaign.Error{Kind: campaign.Unavailable, Err: err, Message: "The running service ended before it had answered; what it had received is kept. Run this again; what is there already counts as unchanged."}
	}
	return answer.Result, answer.Error.asError()
}
