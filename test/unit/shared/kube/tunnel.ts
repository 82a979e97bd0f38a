import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { openCluster } from '../../../../shared/kube/client.ts';
import { ConnectionError } from '../../../../shared/kube/connection-error.ts';
import { plainConnection } from './_fake-api-server.ts';

/** A proxy that sends each of `replies`, byte by byte, when something comes, then ends; what came, in hexadecimal. */
async function proxyThat(t: ExecutionContext, replies: readonly (string | number[])[], isHanging = false) {
  const came: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const left = [...replies];
    sockets.add(socket);
    socket.setNoDelay().on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      came.push(bytes.toString('hex'));
      for (const byte of Buffer.from((left.shift() ?? []) as number[])) socket.write(Buffer.from([byte]));
      if (left.length === 0 && !isHanging) socket.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { came, address: `127.0.0.1:${port}` };
}

function open(t: ExecutionContext, proxy: string, server = 'http://[fd00::1:2]:6443') {
  const cluster = openCluster({ ...plainConnection(server), proxy }, { userAgent: 'test/1', requestTimeoutMs: 60_000 });
  t.teardown(() => cluster.close());
  return cluster;
}

for (const [title, scheme, replies, message] of [
  [
    'refuses to connect',
    'socks5://',
    [
      [5, 0],
      [5, 5, 0, 1, 0, 0, 0, 0, 0, 0],
    ],
    /it could not connect: connection refused$/,
  ],
  [
    'fails in its own way',
    'socks5://',
    [
      [5, 0],
      [5, 99, 0, 1, 0, 0, 0, 0, 0, 0],
    ],
    /it could not connect: reply 99$/,
  ],
  ['wants a password that nobody gave', 'socks5://', [[5, 255]], /it wants to know who asks; put name and password/],
  ['wants a password it was not asked about', 'socks5://', [[5, 2]], /it wants to know who asks/],
  [
    'refuses name and password',
    'socks5://me:pw@',
    [
      [5, 2],
      [1, 1],
    ],
    /it refused name and password$/,
  ],
  ['does not speak SOCKS', 'socks5://', ['HTTP/1.1 400 Bad Request\r\n\r\n'], /it does not speak SOCKS 5$/],
  ['hangs up', 'socks5://', [], /it ended the connection$/],
  ['hangs up half-way', 'socks5://', [[5, 0], [5]], /it ended the connection$/],
  [
    'answers CONNECT with a page',
    'http://',
    ['HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'],
    /it answered 503 Busy$/,
  ],
  [
    'wants a password for CONNECT',
    'http://',
    ['HTTP/1.1 407 Who\r\n\r\n'],
    /407 Who; put name and password into its URL$/,
  ],
  ['speaks something else', 'http://', ['SSH-2.0-x\r\n\r\n'], /the proxy did not connect: 127/],
] as const) {
  test.serial(`a proxy that ${title} is one clear line`, async (t) => {
    const { address } = await proxyThat(t, replies as readonly (string | number[])[]);
    const error = await t.throwsAsync(
      open(t, `${scheme}${address}`, `${scheme.startsWith('socks') ? 'http' : 'https'}://a:1`).version(),
      {
        instanceOf: ConnectionError,
        message,
      },
    );
    t.true(error?.message.includes(`the proxy did not connect: ${address}: `));
    t.false(error?.message.includes('pw'));
  });
}

for (const [host, bytes] of [
  ['[fd00::1:2]', '04fd000000000000000000000000010002'],
  ['[::5]', '0400000000000000000000000000000005'],
  ['10.1.2.3', '010a010203'],
  ['api.example', '030b6170692e6578616d706c65'],
] as const) {
  test.serial(`a SOCKS proxy is asked for ${host}`, async (t) => {
    const { address, came } = await proxyThat(t, [[5, 0]]);
    await t.throwsAsync(open(t, `socks5://${address}`, `http://${host}:6443`).version());
    t.is(came[1], `050100${bytes}192b`);
  });
}

test.serial('a proxy that says nothing is left at the deadline, and with the cluster', async (t) => {
  for (const scheme of ['socks5://', 'http://']) {
    const { address } = await proxyThat(t, [], true);
    const cluster = openCluster(
      { ...plainConnection('https://a:1'), proxy: `${scheme}${address}` },
      { userAgent: 'test/1', requestTimeoutMs: 200 },
    );
    const error = await t.throwsAsync(cluster.version(), { instanceOf: ConnectionError });
    t.is(error?.problem, 'no-connection');
    cluster.close();
  }
});
