import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Source, UpdateError, updateDefinitions, verifyDefinitions } from '../../crds/update-definitions.ts';

const definition = (name: string, more = '') =>
  `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: ${name}}\nspec: {versions: [{name: v1}]}\n${more}`;
const source = (name: string, sha256: string | null = null): Source => ({
  name,
  repository: 'owner/repo',
  version: 'abc',
  path: `crds/${name}.yaml`,
  sha256,
});

/** A folder with a table, and a server of our own in the place of GitHub's. */
async function setUp(t: ExecutionContext, table: readonly Source[], files: Record<string, string>) {
  const folder = await mkdtemp(path.join(tmpdir(), 'crds-'));
  await writeFile(path.join(folder, 'upstream.json'), JSON.stringify(table));
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

const url = (name: string) => `/owner/repo/abc/crds/${name}.yaml`;
const exists = (file: string) => readFile(file).then(Boolean, () => false);

test('definitions are fetched, pinned, indexed and verified', async (t) => {
  const { folder, server } = await setUp(t, [source('a.example.com'), source('b.example.com')], {
    [url('a.example.com')]: definition('a.example.com'),
    [url('b.example.com')]: definition('b.example.com'),
  });
  await t.throwsAsync(updateDefinitions({ folder, server }), {
    instanceOf: UpdateError,
    message: /has no checksum yet/,
  });
  t.false(await exists(path.join(folder, 'testdata/upstream/index.json')));

  t.is((await updateDefinitions({ folder, server, pin: true })).length, 2);
  const index = JSON.parse(await readFile(path.join(folder, 'testdata/upstream/index.json'), 'utf8'));
  t.like(index[0], { name: 'a.example.com', file: 'a.example.com.yaml', version: 'abc', versions: ['v1'] });
  const table = JSON.parse(await readFile(path.join(folder, 'upstream.json'), 'utf8'));
  t.is(table[0].sha256, index[0].sha256);
  t.deepEqual(await verifyDefinitions(folder), { mistakes: [], missing: [], count: 2 });
  t.is((await updateDefinitions({ folder, server })).length, 2);
});

test('one that changed under its pin, is another, or is not there changes nothing at all', async (t) => {
  const { folder, server, served } = await setUp(t, [source('a.example.com'), source('b.example.com')], {
    [url('a.example.com')]: definition('a.example.com'),
    [url('b.example.com')]: definition('b.example.com'),
  });
  await updateDefinitions({ folder, server, pin: true });
  const before = await readFile(path.join(folder, 'testdata/upstream/a.example.com.yaml'), 'utf8');
  for (const [text, message] of [
    [definition('a.example.com', '# more\n'), /a\.example\.com: its sha256 is \w+, not \w+\nnothing was changed/],
    [definition('c.example.com'), /a\.example\.com: the file holds c\.example\.com/],
    ['<html>', /a\.example\.com: the file holds no definition/],
    [undefined, /a\.example\.com: http.* answers 404/],
  ] as const) {
    if (text === undefined) delete served[url('a.example.com')];
    else served[url('a.example.com')] = text;
    await t.throwsAsync(updateDefinitions({ folder, server }), { instanceOf: UpdateError, message });
    t.is(await readFile(path.join(folder, 'testdata/upstream/a.example.com.yaml'), 'utf8'), before);
  }
});

test('without network that is said, and nothing is changed', async (t) => {
  const { folder } = await setUp(t, [source('a.example.com')], {});
  await t.throwsAsync(updateDefinitions({ folder, server: 'http://127.0.0.1:1' }), {
    instanceOf: UpdateError,
    message: /^http:\/\/127\.0\.0\.1:1 can't be reached \(.*\): nothing was changed$/,
  });
  t.false(await exists(path.join(folder, 'testdata')));
});

test('verifying finds what was changed, added or left behind, and says what was never fetched', async (t) => {
  const { folder, server } = await setUp(t, [source('a.example.com')], {
    [url('a.example.com')]: definition('a.example.com'),
  });
  t.deepEqual(await verifyDefinitions(folder), { mistakes: [], missing: ['a.example.com'], count: 0 });
  await updateDefinitions({ folder, server, pin: true });
  const target = path.join(folder, 'testdata/upstream');
  await writeFile(path.join(target, 'extra.yaml'), '');
  await writeFile(path.join(target, 'a.example.com.yaml'), 'changed');
  t.deepEqual((await verifyDefinitions(folder)).mistakes, [
    "a.example.com.yaml isn't what was fetched",
    "extra.yaml isn't in the index",
  ]);
  await writeFile(path.join(folder, 'upstream.json'), '[]');
  t.true((await verifyDefinitions(folder)).mistakes.includes("a.example.com.yaml isn't in the table any more"));
});

test('the table names each definition once, at a commit, and only those that ours stand in for', async (t) => {
  const crds = path.resolve(import.meta.dirname, '../../crds');
  const table: Source[] = JSON.parse(await readFile(path.join(crds, 'upstream.json'), 'utf8'));
  t.is(new Set(table.map(({ name }) => name)).size, table.length);
  for (const { name, version } of table) {
    t.regex(version, /^[0-9a-f]{40}$/, name);
    t.true(await exists(path.join(crds, `${name.split('.')[0]}.yaml`)), name);
  }
});
