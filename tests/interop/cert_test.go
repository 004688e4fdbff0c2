// Certificates for relays that have a DNS name.

package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority is a certificate authority with one intermediate, so that the
// chains it hands out have more than one certificate.
type authority struct {
	root, middle       *x509.Certificate
	rootKey, middleKey *ecdsa.PrivateKey
}

func newAuthority() (*authority, error) {
	a := &authority{}
	var err error
	a.root, a.rootKey, err = issue(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "derpkit test root"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, nil, nil)
	if err != nil {
		return nil, err
	}
	a.middle, a.middleKey, err = issue(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "derpkit test intermediate"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, a.root, a.rootKey)
	return a, err
}

func (a *authority) pem() []byte {
	return certPEM(a.root)
}

// writePair writes DIR/NAME.crt (leaf and intermediate) and DIR/NAME.key.
func (a *authority) writePair(t testing.TB, dir, name string) *x509.Certificate {
	t.Helper()
	leaf, key, err := issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		DNSNames:    []string{name},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.middle, a.middleKey)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	chain := append(certPEM(leaf), certPEM(a.middle)...)
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	for suffix, text := range map[string][]byte{".crt": chain, ".key": keyPEM} {
		err := os.WriteFile(filepath.Join(dir, name+suffix), text, 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	return leaf
}

// issue signs a certificate for a new key; without a parent it signs itself.
func issue(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, nil, err
	}
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(90 * 24 * time.Hour)
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent,
		&key.PublicKey, parentKey)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

func certPEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// pinOf returns the CertName that pins a certificate in a DERP map.
func pinOf(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return "sha256-raw:" + hex.EncodeToString(sum[:])
}
