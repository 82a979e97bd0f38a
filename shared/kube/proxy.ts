import { BlockList, isIP } from 'node:net';
import { KubeconfigError } from './kubeconfig-error.ts';

/**
 * The proxy that leads to a server: the cluster's own `proxy-url`, else what the environment says, read as Go reads it.
 *
 * @returns its URL, or `undefined` for none.
 * @see https://pkg.go.dev/golang.org/x/net/http/httpproxy
 */
export function proxyFor(
  server: string,
  proxyUrl: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (proxyUrl !== undefined) return checked(proxyUrl, 'proxy-url', ['http:', 'https:', 'socks5:']);
  const url = new URL(server);
  const [lower, upper] = url.protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const name = env[upper] ? upper : lower;
  const proxy = env[name];
  if (!proxy || isReachedDirectly(url, env.NO_PROXY || env.no_proxy || '')) return undefined;
  return checked(withScheme(proxy), name, ['http:', 'https:', 'socks5:', 'socks5h:']);
}

/** Never shows the URL: it may hold a password. */
function checked(proxy: string, where: string, protocols: readonly string[]): string {
  const protocol = URL.canParse(proxy) ? new URL(proxy).protocol : '';
  if (protocols.includes(protocol)) return proxy;
  const expected = protocols.map((it) => `${it}//HOST:PORT`).join(', ');
  throw new KubeconfigError(`${where} names no proxy that can be used: expected one of ${expected}`);
}

function withScheme(proxy: string): string {
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** Whether `NO_PROXY` covers a server. This machine itself is never reached by way of another. */
function isReachedDirectly({ protocol, hostname, port: ownPort }: URL, noProxy: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const port = ownPort || (protocol === 'https:' ? '443' : '80');
  if (host === 'localhost' || isWithin(host, loopback)) return true;
  return noProxy
    .split(',')
    .map((rule) => rule.trim().toLowerCase())
    .some((rule) => rule === '*' || covers(rule, host, port));
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** One rule: an address, a range, a name with what is below it, or with a dot first only what is below; perhaps a port. */
function covers(rule: string, host: string, port: string): boolean {
  const range = rangeOf(rule);
  if (range !== undefined) return isWithin(host, range);

  const [, bracketed, plain, rulePort] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(rule) ?? [];
  const name = bracketed ?? plain ?? rule;
  if (name === '' || (rulePort && rulePort !== port)) return false;
  if (isIP(name)) return isWithin(host, rangeOf(`${name}/${isIP(name) === 6 ? 128 : 32}`));
  if (isIP(host)) return false;
  const domain = name.replace(/^\*\./, '.');
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

function rangeOf(rule: string): BlockList | undefined {
  const [address = '', bits = ''] = rule.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (!isIP(address) || !/^\d+$/.test(bits) || Number(bits) > (family === 'ipv6' ? 128 : 32)) return undefined;
  const range = new BlockList();
  range.addSubnet(address, Number(bits), family);
  return range;
}

function isWithin(host: string, range: BlockList | undefined): boolean {
  const version = isIP(host);
  return version !== 0 && range !== undefined && range.check(host, version === 6 ? 'ipv6' : 'ipv4');
}
