/** Where a server listens; without a host on all addresses. */
export type BindAddress = { readonly host?: string; readonly port: number };

/**
 * Reads `:8080`, `127.0.0.1:8081`, `[::1]:8081` or `localhost:8081`; `0` and the empty string turn a server off.
 *
 * @throws BindAddressError
 */
export function parseBindAddress(text: string): BindAddress | 'off' {
  if (text === '0' || text === '') return 'off';
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text);
  const [, ipv6, name, digits] = match ?? [];
  const port = Number(digits);
  if (match === null || port > 65_535) {
    throw new BindAddressError(
      `${JSON.stringify(text)} is no address to listen on: use :8080, 127.0.0.1:8081, or 0 for none`,
    );
  }
  const host = ipv6 ?? name;
  return host === undefined || host === '' ? { port } : { host, port };
}

/** Whether nobody but this host, and who may forward its ports, can reach it. */
export function isLoopback({ host }: BindAddress): boolean {
  return host !== undefined && (host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host));
}

/** An address that can't be listened on: malformed, taken, or not for this server. */
export class BindAddressError extends Error {
  override readonly name = 'BindAddressError';
}
