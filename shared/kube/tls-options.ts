import { isIP } from 'node:net';
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
      ca: ca ?? [...tls.getCACertificates('default'), ...tls.getCACertificates('system')],
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

/** An IP address is never sent as the name, but a certificate can be checked for it. */
function expectedName(name: string): tls.ConnectionOptions {
  if (!isIP(name)) return { servername: name };
  return { checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate) };
}
