import test from 'ava';
import { KubeconfigError } from '../../../../shared/kube/kubeconfig-error.ts';
import { proxyFor } from '../../../../shared/kube/proxy.ts';

const proxy = 'http://proxy:3128';

// What Go's golang.org/x/net/http/httpproxy answers, which kubectl asks.
for (const [noProxy, server, isProxied] of [
  ['', 'https://example.com', true],
  ['example.com', 'https://example.com', false],
  ['example.com', 'https://api.example.com', false],
  ['example.com', 'https://notexample.com', true],
  ['.example.com', 'https://example.com', true],
  ['.example.com', 'https://api.example.com', false],
  ['*.example.com', 'https://example.com', true],
  ['*.example.com', 'https://a.b.example.com', false],
  ['*example.com', 'https://api.example.com', true],
  [' Other , EXAMPLE.com ', 'https://Example.com', false],
  ['example.com:443', 'https://example.com', false],
  ['example.com:6443', 'https://example.com', true],
  ['example.com:6443', 'https://example.com:6443', false],
  ['example.com:80', 'http://example.com', false],
  ['*', 'https://example.com', false],
  ['a,*', 'https://10.0.0.1', false],
  ['10.0.0.1', 'https://10.0.0.1:6443', false],
  ['10.0.0.1:6443', 'https://10.0.0.1:6443', false],
  ['10.0.0.1:6443', 'https://10.0.0.1', true],
  ['10.0.0.2', 'https://10.0.0.1', true],
  ['10.0.0.0/8', 'https://10.1.2.3', false],
  ['10.0.0.0/8', 'https://11.1.2.3', true],
  ['10.0.0.0/33', 'https://10.1.2.3', true],
  ['0.0.1', 'https://10.0.0.1', true],
  ['fd00::1', 'https://[fd00::1]:6443', false],
  ['[fd00::1]:6443', 'https://[fd00::1]:6443', false],
  ['[fd00::1]:1', 'https://[fd00::1]:6443', true],
  ['fd00:0:0::1', 'https://[fd00::1]', false],
  ['fd00::/8', 'https://[fd12::3]', false],
  ['fd00::/8', 'https://[fe80::3]', true],
  ['10.0.0.0/8', 'https://[fd00::1]', true],
  [':443', 'https://example.com', true],
  [',,', 'https://example.com', true],
  ['', 'https://localhost:6443', false],
  ['', 'https://127.3.2.1', false],
  ['', 'https://[::1]:6443', false],
  ['', 'https://localhost.example.com', true],
] as const) {
  test(`NO_PROXY="${noProxy}": ${server} is reached ${isProxied ? 'by way of the proxy' : 'directly'}`, (t) => {
    const env = { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: noProxy };
    t.is(proxyFor(server, undefined, env), isProxied ? proxy : undefined);
  });
}

test('each scheme has its own variable, in capitals or not, and a proxy needs no scheme', (t) => {
  t.is(proxyFor('https://a', undefined, { https_proxy: 'p:1', HTTP_PROXY: 'http://q:1' }), 'http://p:1');
  t.is(proxyFor('http://a', undefined, { HTTPS_PROXY: 'p:1', http_proxy: 'socks5h://q:1' }), 'socks5h://q:1');
  t.is(proxyFor('http://a', undefined, { HTTPS_PROXY: 'p:1' }), undefined);
  t.is(proxyFor('https://a', undefined, { HTTPS_PROXY: '', https_proxy: 'p:1', no_proxy: 'b' }), 'http://p:1');
  t.is(proxyFor('https://a', undefined, { HTTPS_PROXY: 'p:1', no_proxy: 'a' }), undefined);
});

test("the cluster's own proxy is used for everything, this machine and NO_PROXY included", (t) => {
  t.is(proxyFor('https://127.0.0.1', 'socks5://p:1', { HTTPS_PROXY: 'q', NO_PROXY: '*' }), 'socks5://p:1');
  for (const wrong of ['p:1', 'ftp://p:1', 'socks5h://p:1', '//p']) {
    t.throws(() => proxyFor('https://a', wrong, {}), {
      instanceOf: KubeconfigError,
      message: /^proxy-url names no proxy/,
    });
  }
});
