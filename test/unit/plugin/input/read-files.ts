import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import { type ReadFilesOptions, readFiles } from '../../../../plugin/input/read-files.ts';
import { UserError } from '../../../../plugin/user-error.ts';

const folders: string[] = [];
test.after.always(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder with these files in it. */
function folderWith(files: Record<string, string | Uint8Array>): string {
  const folder = mkdtempSync(join(tmpdir(), 'plugin-files-'));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const object = (name: string, more = '') => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${more}`;

async function namesIn(
  cwd: string,
  names: string[],
  { input = '', ...options }: Partial<ReadFilesOptions> & { input?: string } = {},
) {
  const { objects } = await readFiles(names, { cwd, stdin: () => Readable.from([Buffer.from(input)]), ...options });
  return objects.map(({ metadata }) => metadata.name);
}

test('YAML documents, JSON and Lists in files are read', async (t) => {
  const folder = folderWith({
    'a.yaml': `${object('one')}---\n# nothing here\n---\n${object('two')}`,
    'b.json': JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'three' } }],
    }),
    'c.yml': 'apiVersion: v1\nkind: NodeList\nitems:\n- metadata: {name: four}\n',
    'd.yaml':
      '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "five"}}\n---\n{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "six"}}',
  });
  t.deepEqual(await namesIn(folder, ['a.yaml', 'b.json', 'c.yml', 'd.yaml']), [
    'one',
    'two',
    'three',
    'four',
    'five',
    'six',
  ]);
});

test('items of a list of one kind, as the API returns them, get its kind', async (t) => {
  const folder = folderWith({
    'a.json': JSON.stringify({ apiVersion: 'v1', kind: 'NodeList', items: [{ metadata: { name: 'n' } }] }),
  });
  const { objects } = await readFiles(['a.json'], { cwd: folder, stdin: () => Readable.from([]) });
  t.like(objects[0], { apiVersion: 'v1', kind: 'Node' });
});

test('standard input is read as -', async (t) => {
  t.deepEqual(await namesIn('/', ['-'], { input: object('one') }), ['one']);
});

test('a folder is read with the folders in it, and nothing but .yaml, .yml and .json', async (t) => {
  const folder = folderWith({
    'x/b.yaml': object('b'),
    'a.yml': object('a'),
    'x/y/c.json': '{"apiVersion":"v1","kind":"X","metadata":{"name":"c"}}',
    'x/log.txt': 'no',
  });
  t.deepEqual(await namesIn(folder, ['.']), ['a', 'b', 'c']);
  t.deepEqual(await namesIn(folder, ['.'], { recursive: false }), ['a']);
});

test('of one object in two files the last counts', async (t) => {
  const folder = folderWith({ 'a.yaml': object('x', 'data: {v: "1"}\n'), 'b.yaml': object('x', 'data: {v: "2"}\n') });
  const { objects } = await readFiles(['a.yaml', 'b.yaml'], { cwd: folder, stdin: () => Readable.from([]) });
  t.deepEqual(
    objects.map(({ data }) => data),
    [{ v: '2' }],
  );
});

test('a folder may hold other YAML and JSON, which is noted, once', async (t) => {
  const folder = folderWith({
    'a.yaml': object('a'),
    'alerts.json': '[1, 2]',
    'version.yaml': 'version: 4.17\n',
    'empty.yaml': '',
  });
  const { objects, notes } = await readFiles(['.'], { cwd: folder, stdin: () => Readable.from([]) });
  t.is(objects.length, 1);
  t.deepEqual(notes, [
    '3 files in . hold something else than Kubernetes objects, which is left out (the first is alerts.json)',
  ]);
});

test('no link leads out of a folder', async (t) => {
  const outside = folderWith({ 'secret.yaml': object('secret'), 'd/e.yaml': object('e') });
  const folder = folderWith({ 'a.yaml': object('a'), 'real/b.yaml': object('b') });
  symlinkSync(join(outside, 'secret.yaml'), join(folder, 'link.yaml'));
  symlinkSync(join(outside, 'd'), join(folder, 'dir'));
  symlinkSync('..', join(folder, 'real/up'));
  symlinkSync('real/b.yaml', join(folder, 'inside.yaml'));
  symlinkSync('nowhere.yaml', join(folder, 'broken.yaml'));
  const { objects, notes } = await readFiles(['.'], { cwd: folder, stdin: () => Readable.from([]) });
  t.deepEqual(
    objects.map(({ metadata }) => metadata.name),
    ['a', 'b'],
  );
  t.deepEqual(notes, [
    'dir is a link that leads out of ., and is left out',
    'link.yaml is a link that leads out of ., and is left out',
  ]);
});

test('a pipe is read to its end, however late and in how many pieces it is written', async (t) => {
  const folder = folderWith({});
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const script = `{ printf '%s' "$1"; printf '%s' "$2"; } > "$3"`;
  const writer = spawn('sh', ['-c', script, 'sh', object('o'), 'data: {a: "1"}', join(folder, 'pipe')]);
  t.teardown(() => writer.kill());
  t.deepEqual(await namesIn(folder, ['pipe']), ['o']);
});

test('so is one that never ends, up to the limit', async (t) => {
  const folder = folderWith({});
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const writer = spawn('sh', ['-c', 'exec yes > "$1"', 'sh', join(folder, 'pipe')]);
  t.teardown(() => writer.kill());
  await t.throwsAsync(namesIn(folder, ['pipe'], { maxBytes: 100_000 }), {
    instanceOf: UserError,
    message: /^pipe is larger than 100000 bytes/,
  });
});

test('pipes, sockets and devices in a folder are not touched', async (t) => {
  const folder = folderWith({ 'a.yaml': object('a') });
  execFileSync('mkfifo', [join(folder, 'pipe.yaml')]);
  const server = createServer().listen(join(folder, 'socket.yaml'));
  t.teardown(() => server.close());
  symlinkSync('/dev/zero', join(folder, 'zero.yaml'));
  t.deepEqual(await namesIn(folder, ['.']), ['a']);
});

type Refused = { files?: Record<string, string | Uint8Array>; names?: string[]; message: RegExp };
const refused = test.macro(async (t, { files = {}, names = ['a.yaml'], message }: Refused) => {
  const folder = folderWith(files);
  const error = await t.throwsAsync(namesIn(folder, names), { instanceOf: UserError, message });
  t.false(error.message.includes('\n'));
});
test('a file that is not there is one clear error', refused, { message: /^a\.yaml does not exist/ });
test('an empty name is one, and not the folder we are in', refused, {
  names: [''],
  message: /^-f names no file: its value is empty$/,
});
test('the address of a file is one', refused, {
  names: ['https://example.com/a.yaml'],
  message: /^https:\/\/example\.com\/a\.yaml is no file: fetch it first/,
});
test('an endless device is one', refused, { names: ['/dev/zero'], message: /^\/dev\/zero is larger than 256 MiB/ });
test('a folder without end is one', refused, {
  files: { [`x/${'d/'.repeat(33)}a.yaml`]: object('a') },
  names: ['x'],
  message: /^x(?:\/d){33} is more than 32 folders deep in x: name a smaller folder$/,
});
test('an empty file is one', refused, { files: { 'a.yaml': '' }, message: /^a\.yaml is empty/ });
test('a file of comments is one', refused, { files: { 'a.yaml': '# nothing\n---\n' }, message: /^a\.yaml is empty/ });
test('a folder without files is one', refused, {
  files: { 'x/a.txt': '' },
  names: ['x'],
  message: /^there is no \.yaml, \.yml or \.json file in x/,
});
test('a file that is no YAML is one, with its line', refused, {
  files: { 'a.yaml': 'a: b\nc: [1, 2\nd: }' },
  message: /^a\.yaml:\d: not YAML/,
});
test('so is one in a folder', refused, {
  files: { 'x/a.yaml': 'a: b\nc: [1, 2\nd: }' },
  names: ['x'],
  message: /^x\/a\.yaml:\d: not YAML/,
});
test('a broken JSON file is one, with its line', refused, {
  files: { 'a.json': '{\n"a": 1,\n"b": ]' },
  names: ['a.json'],
  message: /^a\.json:3: not YAML or JSON/,
});
test('a text is no object', refused, {
  files: { 'a.yaml': 'hello\n' },
  message: /^a\.yaml:1: not a Kubernetes object but the text "hello"/,
});
test('a list is no object', refused, {
  files: { 'a.yaml': '- a\n' },
  message: /^a\.yaml:1: not a Kubernetes object but a list/,
});
test('an object needs an apiVersion', refused, {
  files: { 'a.yaml': 'kind: A\n' },
  message: /^a\.yaml:1: .*apiVersion is missing/,
});
test('an object needs a kind', refused, {
  files: { 'a.yaml': `${object('x')}---\napiVersion: v1\n` },
  message: /^a\.yaml:6: .*kind is missing/,
});
test('an object needs a name', refused, {
  files: { 'a.yaml': 'apiVersion: v1\nkind: A\nmetadata:\n  name: 5\n' },
  message: /^a\.yaml:4: A: metadata\.name is 5, not a string/,
});
test('an annotation is a string: the mistake that everybody makes once', refused, {
  files: { 'a.yaml': `${object('x')}  annotations:\n    platform.kubevirt.io/autopilot: true\n` },
  message:
    /^a\.yaml:6: ConfigMap\/x: the annotation platform\.kubevirt\.io\/autopilot is true, not a string: put it in quotes/,
});
test('a binary file is one clear error', refused, {
  files: { 'a.yaml': new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 255]) },
  message: /^a\.yaml is no text but binary/,
});
test('aliases are refused', refused, { files: { 'a.yaml': 'a: &x [1]\nb: *x\n' }, message: /^a\.yaml:/ });
test('nesting without end is refused', refused, {
  files: { 'a.yaml': '['.repeat(100_000) },
  message: /^a\.yaml:1: .*nested/,
});
test('JSON nested without end is refused', refused, {
  files: { 'a.json': `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}` },
  names: ['a.json'],
  message: /^a\.json:1: .*nested/,
});
test('a key that reaches the prototype is refused', refused, {
  files: { 'a.json': '{"apiVersion":"v1","kind":"A","metadata":{"name":"x"},"__proto__":{"a":1}}' },
  names: ['a.json'],
  message: /__proto__/,
});

test('a file of 500 MB is one clear error, and is not even read', async (t) => {
  const folder = folderWith({ 'big.yaml': 'x' });
  truncateSync(join(folder, 'big.yaml'), 500_000_000);
  await t.throwsAsync(namesIn(folder, ['big.yaml']), {
    instanceOf: UserError,
    message:
      'big.yaml is 477 MiB large, and at most 256 MiB are read: name files with only the objects that are needed',
  });
});

test('of YAML less is read than of JSON, which is how the nodes of a large cluster come', async (t) => {
  const json = JSON.stringify({ apiVersion: 'v1', kind: 'NodeList', items: [{ metadata: { name: 'n' } }] });
  const folder = folderWith({ 'a.json': json, 'a.yaml': `${object('o')}# ${'x'.repeat(100)}\n` });
  t.deepEqual(await namesIn(folder, ['a.json'], { maxYamlLength: 50 }), ['n']);
  await t.throwsAsync(namesIn(folder, ['a.yaml'], { maxYamlLength: 50 }), {
    instanceOf: UserError,
    message: /^a\.yaml is \d+ bytes of YAML, and at most 50 bytes are read: .* or one of JSON \(-o json\)/,
  });
});

test('so is input that never ends', async (t) => {
  await t.throwsAsync(namesIn('/', ['-'], { input: 'x'.repeat(200), maxBytes: 100 }), {
    instanceOf: UserError,
    message: /^standard input is larger than 100 bytes/,
  });
});

test('all files together have a limit too', async (t) => {
  const folder = folderWith({ 'a.yaml': object('a'), 'b.yaml': object('b') });
  await t.throwsAsync(namesIn(folder, ['.'], { maxBytes: 80 }), {
    instanceOf: UserError,
    message: /larger than 80 bytes together/,
  });
});

test('what PowerShell writes with > is read', async (t) => {
  const folder = folderWith({ 'a.yaml': new Uint8Array(Buffer.from(`\ufeff${object('x')}`, 'utf16le')) });
  t.deepEqual(await namesIn(folder, ['a.yaml']), ['x']);
});

test('a byte order mark and Windows line ends are no trouble', async (t) => {
  const folder = folderWith({ 'a.yaml': `\ufeff${object('x').replaceAll('\n', '\r\n')}` });
  t.deepEqual(await namesIn(folder, ['a.yaml']), ['x']);
});
