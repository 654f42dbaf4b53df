// A certificate authority with a server's and a client's certificate, made by openssl for one test run.
// Worth nothing outside of tests: keys lie unencrypted in the folder it is given.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface TlsCertificates {
  /** Paths of PEM files. */
  readonly files: { readonly ca: string; readonly server: CertificateFiles; readonly client: CertificateFiles };
  /** The PEM texts a client needs. */
  readonly ca: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
}

/** The server's certificate is for 127.0.0.1, ::1 and localhost. */
export function createTlsCertificates(dir: string): TlsCertificates {
  const ca = makeCertificate(dir, 'ca', ['-addext', 'basicConstraints=critical,CA:TRUE']);
  const signed = ['-CA', ca.certificate, '-CAkey', ca.key, '-addext', 'basicConstraints=critical,CA:FALSE'];
  // etcd dials itself for its HTTP gateway with the server's certificate, which must therefore be a client's too.
  const both = ['-addext', 'extendedKeyUsage=serverAuth,clientAuth', '-addext', 'subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost'];
  const server = makeCertificate(dir, 'server', [...signed, ...both]);
  const client = makeCertificate(dir, 'client', [...signed, '-addext', 'extendedKeyUsage=clientAuth']);
  const text = (path: string): string => readFileSync(path, 'utf8');
  return {
    files: { ca: ca.certificate, server, client },
    ca: text(ca.certificate),
    clientCertificate: text(client.certificate),
    clientKey: text(client.key),
  };
}

function makeCertificate(dir: string, name: string, args: readonly string[]): CertificateFiles {
  const files = { certificate: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', files.key];
  execFileSync('openssl', ['req', '-x509', ...newKey, '-out', files.certificate, '-days', '2', '-subj', `/CN=test-${name}`, ...args], { stdio: 'pipe' });
  return files;
}
