import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Source } from '../../crds/source.ts';
import { UpdateError, updateDefinitions } from '../../crds/update-definitions.ts';
import { verifyDefinitions } from '../../crds/verify-definitions.ts';
import { isOnPath } from '../../harness/tools.ts';
import { storedZip } from './_stored-zip.ts';

const commit = '0123456789abcdef0123456789abcdef01234567';
const definition = (name: string, { scope = 'Cluster', more = '' } = {}) =>
  [
    'apiVersion: apiextensions.k8s.io/v1',
    'kind: CustomResourceDefinition',
    `metadata: {name: ${name}}`,
    `spec: {scope: ${scope}, names: {kind: Thing}, versions: [{name: v1}]}`,
    more,
  ].join('\n');
const source = (name: string, sha256: string | null = null): Source => ({
  name,
  repository: 'owner/repo',
  version: commit,
  path: `crds/${name}.yaml`,
  sha256,
});
const ofModule = (name: string, more: object = {}): Source => ({
  name,
  module: 'example.com/things',
  version: 'v1.2.3',
  sum: null,
  path: `crds/${name}.yaml`,
  sha256: null,
  ...more,
});

/** A folder with a table, definitions of our own for it, and a server of our own in the place of GitHub's. */
async function setUp(t: ExecutionContext, table: readonly Source[], files: Record<string, string>) {
  const folder = await mkdtemp(path.join(tmpdir(), 'crds-'));
  await writeFile(path.join(folder, 'upstream.json'), JSON.stringify(table));
  for (const { name } of table) await writeFile(path.join(folder, `${name.split('.')[0]}.yaml`), definition(name));
  const served = { ...files };
  const server = createServer(({ url = '' }, answer) => {
    const text = served[url];
    answer.writeHead(text === undefined ? 404 : 200).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });
  return { folder, served, server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** What Go's client takes for a module proxy, in a folder: one module with these files; and a cache of its own. */
async function moduleProxy(folder: string, files: Record<string, string>): Promise<Record<string, string>> {
  const versions = path.join(folder, 'proxy/example.com/things/@v');
  await mkdir(versions, { recursive: true });
  const all = { 'go.mod': 'module example.com/things\n', ...files };
  const zip = storedZip(
    Object.fromEntries(Object.entries(all).map(([file, text]) => [`example.com/things@v1.2.3/${file}`, text])),
  );
  await writeFile(path.join(versions, 'v1.2.3.info'), '{"Version": "v1.2.3"}');
  await writeFile(path.join(versions, 'v1.2.3.mod'), all['go.mod']);
  await writeFile(path.join(versions, 'v1.2.3.zip'), zip);
  return {
    GOPROXY: `file://${folder}/proxy`,
    GOMODCACHE: path.join(folder, 'cache'),
    GOFLAGS: '-modcacherw',
    GONOSUMDB: '*',
    GONOSUMCHECK: '1',
    GONOPROXY: 'none',
  };
}

const url = (name: string) => `/owner/repo/${commit}/crds/${name}.yaml`;
const exists = (file: string) => readFile(file).then(Boolean, () => false);
const withGo = isOnPath('go') ? test : test.skip;

test('definitions are fetched, pinned, indexed and verified', async (t) => {
  const { folder, server } = await setUp(t, [source('as.example.com'), source('bs.example.com')], {
    [url('as.example.com')]: definition('as.example.com'),
    [url('bs.example.com')]: definition('bs.example.com'),
  });
  await t.throwsAsync(updateDefinitions({ folder, server }), {
    instanceOf: UpdateError,
    message: /has no checksum yet/,
  });
  t.false(await exists(path.join(folder, 'testdata/upstream/index.json')));

  t.is((await updateDefinitions({ folder, server, pin: true })).length, 2);
  const index = JSON.parse(await readFile(path.join(folder, 'testdata/upstream/index.json'), 'utf8'));
  t.like(index[0], { name: 'as.example.com', file: 'as.example.com.yaml', version: commit, versions: ['v1'] });
  const table = JSON.parse(await readFile(path.join(folder, 'upstream.json'), 'utf8'));
  t.regex(table[0].sha256, /^[0-9a-f]{64}$/);
  t.deepEqual(await verifyDefinitions(folder), { mistakes: [], missing: [], count: 2 });
  t.is((await updateDefinitions({ folder, server })).length, 2);
});

test('one that changed under its pin, is another, or is not there changes nothing at all', async (t) => {
  const { folder, server, served } = await setUp(t, [source('as.example.com'), source('bs.example.com')], {
    [url('as.example.com')]: definition('as.example.com'),
    [url('bs.example.com')]: definition('bs.example.com'),
  });
  await updateDefinitions({ folder, server, pin: true });
  const before = await readFile(path.join(folder, 'testdata/upstream/as.example.com.yaml'), 'utf8');
  for (const [text, message] of [
    [
      definition('as.example.com', { more: '# more' }),
      /as\.example\.com: its sha256 is \w+, not \w+\nnothing was changed/,
    ],
    [definition('cs.example.com'), /as\.example\.com: the file holds cs\.example\.com/],
    ['<html>', /as\.example\.com: the file holds no definition/],
    [undefined, /as\.example\.com: http.* answers 404/],
  ] as const) {
    if (text === undefined) delete served[url('as.example.com')];
    else served[url('as.example.com')] = text;
    await t.throwsAsync(updateDefinitions({ folder, server }), { instanceOf: UpdateError, message });
    t.is(await readFile(path.join(folder, 'testdata/upstream/as.example.com.yaml'), 'utf8'), before);
  }
});

test('without network that is said once, and nothing is changed', async (t) => {
  const { folder } = await setUp(t, [source('as.example.com'), source('bs.example.com')], {});
  await t.throwsAsync(updateDefinitions({ folder, server: 'http://127.0.0.1:1' }), {
    instanceOf: UpdateError,
    message: /^http:\/\/127\.0\.0\.1:1 can't be reached \(.*\)\nnothing was changed$/,
  });
  t.false(await exists(path.join(folder, 'testdata')));
});

withGo('a definition may come from a Go module, which Go fetches and tells the checksum of', async (t) => {
  t.timeout(60_000);
  const { folder, server } = await setUp(t, [ofModule('as.example.com'), source('bs.example.com')], {
    [url('bs.example.com')]: definition('bs.example.com'),
  });
  const env = await moduleProxy(folder, { 'crds/as.example.com.yaml': definition('as.example.com') });

  const [only, ...more] = await updateDefinitions({
    folder,
    server: 'http://127.0.0.1:1',
    env,
    pin: true,
    onlyModules: true,
  });
  t.like(only, { name: 'as.example.com', module: 'example.com/things', version: 'v1.2.3', versions: ['v1'] });
  t.deepEqual(more, []);
  const table = JSON.parse(await readFile(path.join(folder, 'upstream.json'), 'utf8'));
  t.regex(table[0].sum, /^h1:/);
  t.is(table[1].sha256, null, 'the rest is as it was');
  t.deepEqual(await verifyDefinitions(folder), { mistakes: [], missing: ['bs.example.com'], count: 1 });

  await updateDefinitions({ folder, server, env, pin: true });
  t.deepEqual(await verifyDefinitions(folder), { mistakes: [], missing: [], count: 2 });
  await updateDefinitions({ folder, server, env, onlyModules: true });
  t.deepEqual(await verifyDefinitions(folder), { mistakes: [], missing: [], count: 2 }, 'what was fetched stays');
});

withGo('a module that is another than the table says, lacks the file or cannot be had changes nothing', async (t) => {
  t.timeout(60_000);
  const other = ofModule('as.example.com', { sum: `h1:${'A'.repeat(43)}=`, sha256: '0'.repeat(64) });
  const { folder, server } = await setUp(t, [other], {});
  const env = await moduleProxy(folder, { 'crds/as.example.com.yaml': definition('as.example.com') });
  const refused = async (message: RegExp, more: Record<string, string> = {}) =>
    t.throwsAsync(updateDefinitions({ folder, server, env: { ...env, ...more }, pin: true }), {
      instanceOf: UpdateError,
      message,
    });

  await refused(/^as\.example\.com: the checksum of example\.com\/things@v1\.2\.3 is h1:\S+, not h1:A+=\nnothing was/);
  await writeFile(
    path.join(folder, 'upstream.json'),
    JSON.stringify([ofModule('as.example.com', { path: 'none.yaml' })]),
  );
  await refused(/^as\.example\.com: example\.com\/things@v1\.2\.3 has no file none\.yaml\nnothing was changed$/);
  await refused(/^the Go module example\.com\/things@v1\.2\.3 can't be fetched \(.*\)\nnothing was changed$/, {
    GOPROXY: 'http://127.0.0.1:1',
    GOMODCACHE: path.join(folder, 'empty'),
  });
  await refused(/can't be fetched \(go is not on PATH\)\nnothing was changed$/, { PATH: folder });
  t.false(await exists(path.join(folder, 'testdata')));
});

test('verifying finds what was changed, added or left behind, and says what was never fetched', async (t) => {
  const { folder, server } = await setUp(t, [source('as.example.com')], {
    [url('as.example.com')]: definition('as.example.com'),
  });
  t.deepEqual(await verifyDefinitions(folder), { mistakes: [], missing: ['as.example.com'], count: 0 });
  await updateDefinitions({ folder, server, pin: true });
  const target = path.join(folder, 'testdata/upstream');
  await writeFile(path.join(target, 'extra.yaml'), '');
  await writeFile(path.join(target, 'as.example.com.yaml'), 'changed');
  t.deepEqual((await verifyDefinitions(folder)).mistakes, [
    "as.example.com.yaml isn't what was fetched",
    "extra.yaml isn't in the index",
  ]);
  await writeFile(path.join(folder, 'upstream.json'), '[]');
  t.true((await verifyDefinitions(folder)).mistakes.includes("as.example.com.yaml isn't in the table any more"));
});

test('verifying finds where ours say something else of a kind than upstream', async (t) => {
  const { folder, server } = await setUp(t, [source('as.example.com')], {
    [url('as.example.com')]: definition('as.example.com'),
  });
  await updateDefinitions({ folder, server, pin: true });
  const ours = definition('as.example.com', { scope: 'Namespaced' }).replace(
    '[{name: v1}]',
    '[{name: v1}, {name: v2}]',
  );
  await writeFile(path.join(folder, 'as.yaml'), ours.replace('kind: Thing', 'kind: Think'));
  t.deepEqual((await verifyDefinitions(folder)).mistakes, [
    'as.yaml has scope Namespaced, not Cluster',
    'as.yaml has kind Think, not Thing',
    'as.yaml has version v2, which upstream has not',
  ]);
});

test('verifying finds rows of the table that are no source of anything', async (t) => {
  const table = [
    { ...source('as.example.com'), version: 'main' },
    ofModule('bs.example.com', { version: 'latest', sum: 'abc' }),
    source('cs.example.com'),
    source('cs.example.com'),
  ];
  const { folder } = await setUp(t, table, {});
  await rm(path.join(folder, 'as.yaml'));
  t.deepEqual((await verifyDefinitions(folder)).mistakes, [
    "upstream.json: as.example.com: main isn't a commit",
    "upstream.json: bs.example.com: latest isn't a version of a module",
    'upstream.json: bs.example.com: its sum is no line of go.sum',
    'upstream.json: cs.example.com: it stands there twice',
    'upstream.json: as.example.com stands in for nothing: there is no as.yaml',
  ]);
});
