/** No usable answer came from the API server at all. What did answer, but refused, is an {@link ApiError}. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly problem: ConnectionProblem;

  constructor(problem: ConnectionProblem, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.problem = problem;
  }
}

export type ConnectionProblem =
  /** Nobody listens there: the request was never sent. */
  | 'refused'
  | 'unknown-host'
  | 'no-route'
  /** Neither side trusts the other, or one of them doesn't speak TLS. */
  | 'certificate'
  /** The connection broke while the answer was awaited; whether the server acted isn't known. */
  | 'broken'
  /** The same on a connection kept from an earlier request: nearly always the server had closed it while idle. */
  | 'stale'
  /** Not even a connection before the deadline. */
  | 'no-connection'
  /** Connected, but no complete answer before the deadline. */
  | 'timeout'
  /** What answers is no Kubernetes API server, or the answer is too large. */
  | 'unreadable-answer'
  /** Certificate, key or token can't be read or obtained. */
  | 'credentials'
  /** By ourselves. */
  | 'closed';

/** Names what went wrong below HTTP so that a person can act on it. */
export function connectionError(error: unknown, server: string, isReused: boolean): ConnectionError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const [problem, why] = explanation(code, message, isReused);
  return new ConnectionError(problem, `could not reach the API server ${server}: ${why}`, { cause: error });
}

function explanation(code: string, message: string, isReused: boolean): [ConnectionProblem, string] {
  switch (code) {
    case 'ECONNREFUSED':
      return ['refused', `connection refused (${code}); check that it runs and that this is the right context`];
    case 'ENOTFOUND':
      return ['unknown-host', `its host name is unknown (${code}); check the server's name and your DNS or VPN`];
    case 'EAI_AGAIN':
      return ['no-route', `its host name could not be looked up just now (${code}); check your network`];
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
    case 'ETIMEDOUT':
      return ['no-route', `there is no way to it (${code}); check your network or VPN`];
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
      return [isReused ? 'stale' : 'broken', `the connection broke (${code})`];
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return ['certificate', `its certificate is self-signed and not trusted (${code}); ${trustAdvice}`];
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_SIGNATURE_FAILURE':
      return ['certificate', `its certificate is signed by an authority that isn't trusted (${code}); ${trustAdvice}`];
    case 'CERT_HAS_EXPIRED':
      return ['certificate', `its certificate has expired (${code}); renew it on the server, and check this clock`];
    case 'CERT_NOT_YET_VALID':
      return ['certificate', `its certificate is not valid yet (${code}); check the clocks of both sides`];
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return [
        'certificate',
        `its certificate is for another name: ${message}; set tls-server-name if that is intended`,
      ];
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return ['certificate', `it does not speak TLS there (${code}); use http:// or another port`];
    default:
      if (code.startsWith('HPE_')) return ['unreadable-answer', `what answers does not speak HTTP (${code})`];
      if (code.startsWith('ERR_SSL') || code === 'EPROTO') return ['certificate', `TLS failed: ${firstLine(message)}`];
      if (code.startsWith('ERR_PROXY')) return ['no-route', `the proxy did not connect: ${firstLine(message)}`];
      return ['broken', firstLine(message)];
  }
}

const trustAdvice = 'give its authority with --certificate-authority, or certificate-authority in the kubeconfig';

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message;
}
