package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"rackwright/fault"
	"rackwright/integration/lab"
)

// nginxConfig has nginx send files as fast as it can: one process, for it has one processor;
// sendfile, files kept open, nothing logged.
const nginxConfig = `user root; daemon off; master_process off; pid %[1]s/nginx.pid; error_log %[1]s/nginx.err;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 65; keepalive_requests 1000000; open_file_cache max=4000 inactive=60s;
  types { } default_type application/octet-stream;
  client_body_temp_path %[1]s/t1; proxy_temp_path %[1]s/t2; fastcgi_temp_path %[1]s/t3; uwsgi_temp_path %[1]s/t4; scgi_temp_path %[1]s/t5;
  server { listen %[2]s; root %[1]s/www; }
  server { listen %[3]s ssl; root %[1]s/www; ssl_certificate %[1]s/c.pem; ssl_certificate_key %[1]s/k.pem; ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; }
}
`

// startNginx gives nginx files as large as what we send, and waits until it sends them.
func startNginx(ctx context.Context, dir string, w *webWorld) (*process, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		return nil, fault.NotFoundf("nginx is not installed").WithHint("apt-get install nginx-light; 'systemctl disable --now nginx' ends the one that listens")
	}
	if dir, err = fresh(filepath.Join(dir, "nginx")); err != nil {
		return nil, err
	}
	if err := w.mirror(filepath.Join(dir, "www"), filepath.Join(dir, "..", "ramdisk", "amd64", "initrd")); err != nil {
		return nil, err
	}
	if err := certify(dir); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, dir, webPeer, webPeersTLS), 0o600); err != nil {
		return nil, err
	}
	p, err := startProcess(ctx, dir, nil, program, "-p", dir, "-c", file)
	if err != nil {
		return nil, err
	}
	if err = lab.Until(ctx, 10*time.Second, "nginx sending", func() (bool, error) {
		text, err := fetchText("http://" + webPeer + "/agent")
		return err == nil && text == w.agent, p.alive()
	}); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// mirror makes the files: the ramdisk itself, and chunks and scripts of the same sizes.
func (w *webWorld) mirror(dir, ramdisk string) error {
	for _, sub := range []string{"c", "s"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	if err := os.Link(ramdisk, filepath.Join(dir, "initrd")); err != nil {
		return err
	}
	for _, c := range w.chunks {
		if err := randomFile(filepath.Join(dir, "c", c), w.chunk); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "agent"), []byte(w.agent), 0o644); err != nil {
		return err
	}
	for i := range w.clients[2:] {
		if err := os.WriteFile(filepath.Join(dir, "s", fmt.Sprint(i)), []byte(w.script), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// certify writes a certificate as ours has one: of a P-256 key, signed by itself.
func certify(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"bench"}}
	cert, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "c.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "k.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
}
