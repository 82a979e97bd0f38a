import { isIP } from 'node:net';
import { platform } from 'node:os';
import tls from 'node:tls';
import type { Connection } from './connection.ts';
import { ConnectionError } from './connection-error.ts';
import type { CurrentCredentials } from './credential-source.ts';

/**
 * Whom a connection trusts, and as whom it speaks.
 *
 * @throws ConnectionError for certificates that can't be used
 */
export function tlsOptions({ tls: { insecure, serverName } }: Connection, credentials: CurrentCredentials) {
  return {
    secureContext: secureContext(credentials),
    rejectUnauthorized: !insecure,
    ...(serverName !== undefined && expectedName(serverName)),
  };
}

/** Whether connections made with one set of credentials do for another. */
export function haveSameCertificate(one: CurrentCredentials, other: CurrentCredentials): boolean {
  return one.ca === other.ca && one.cert === other.cert && one.key === other.key;
}

function secureContext({ ca, cert, key }: CurrentCredentials): tls.SecureContext {
  try {
    return tls.createSecureContext({
      ca: ca ?? [...authoritiesOfSystem()],
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    });
  } catch (error) {
    const words = (error as Error).message;
    throw new ConnectionError('credentials', `the certificates of this connection can't be used: ${words}`, {
      cause: error,
    });
  }
}

/**
 * Whom kubectl trusts, too: `SSL_CERT_FILE` counts, and `NODE_EXTRA_CA_CERTS` doesn't. Where Node sees only some of what
 * the system trusts, those that come with it are added.
 */
function authoritiesOfSystem(): readonly string[] {
  const system = tls.getCACertificates('system');
  return platform() === 'linux' ? system : [...tls.getCACertificates('bundled'), ...system];
}

/** An IP address is never sent as the name, but a certificate can be checked for it. */
function expectedName(name: string): tls.ConnectionOptions {
  if (!isIP(name)) return { servername: name };
  return { checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate) };
}
