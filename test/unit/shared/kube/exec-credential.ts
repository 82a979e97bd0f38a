import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { ConnectionError } from '../../../../shared/kube/connection-error.ts';
import { ExecCredentials, type ExecOptions } from '../../../../shared/kube/exec-credential.ts';
import type { ExecProgram } from '../../../../shared/kube/exec-program.ts';
import { waitFor } from '../../../helpers/cluster.ts';

const test = anyTest as TestFn<{ folder: string }>;
test.beforeEach((t) => {
  t.context = { folder: mkdtempSync(join(tmpdir(), 'program-')) };
});
test.afterEach.always((t) => rmSync(t.context.folder, { recursive: true, force: true }));

const apiVersion = 'client.authentication.k8s.io/v1';

/** A shell script; each run adds a line to `runs`, so that the first prints `token-1`, unless it prints something else. */
function program(folder: string, script: string, more: Partial<ExecProgram> = {}): ExecProgram {
  const command = join(folder, 'login');
  writeFileSync(command, `#!/bin/sh\ncd "${folder}"\necho x >> runs\nRUN=$(($(wc -l < runs)))\n${script}\n`);
  chmodSync(command, 0o700);
  const env = { PATH: '/usr/bin:/bin' };
  return { apiVersion, command, args: [], env, searchPath: '/usr/bin:/bin', interactiveMode: 'Never', ...more };
}

function answer(status: string): string {
  return `echo "{\\"apiVersion\\":\\"${apiVersion}\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":${status.replaceAll('"', '\\"')}}"`;
}

const numbered = answer('{"token":"token-$RUN"}');

function runs(folder: string): number {
  const file = join(folder, 'runs');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
}

function options(more: Partial<ExecOptions> = {}): ExecOptions {
  return { date: () => 0, stderr: () => {}, ...more };
}

test('all who ask while it runs wait for the same run', async (t) => {
  const { folder } = t.context;
  const credentials = new ExecCredentials(program(folder, `sleep 0.2; ${numbered}`));
  const all = await Promise.all(Array.from({ length: 20 }, () => credentials.current(options())));
  t.deepEqual(new Set(all.map(({ token }) => token)), new Set(['token-1']));
  t.deepEqual(await credentials.current(options()), { token: 'token-1' });
  t.is(runs(folder), 1);
});

test('what it gave is kept until it ends', async (t) => {
  const { folder } = t.context;
  const end = '2030-01-01T00:00:00Z';
  const credentials = new ExecCredentials(
    program(folder, answer(`{"token":"token-$RUN","expirationTimestamp":"${end}"}`)),
  );
  const at = async (date: number) => (await credentials.current(options({ date: () => date }))).token;
  t.is(await at(0), 'token-1');
  t.is(await at(Date.parse(end)), 'token-1');
  t.is(await at(Date.parse(end) + 1), 'token-2');
});

test('what was refused is asked for again, once, however many were refused', async (t) => {
  const { folder } = t.context;
  const credentials = new ExecCredentials(program(folder, numbered));
  const first = await credentials.current(options());
  credentials.refuse(first);
  const second = await credentials.current(options());
  credentials.refuse(first);
  t.is(await credentials.current(options()), second);
  t.is(second.token, 'token-2');
  t.is(runs(folder), 2);
});

test('after a failure the next who asks may have better luck', async (t) => {
  const { folder } = t.context;
  const credentials = new ExecCredentials(program(folder, `[ $RUN = 1 ] && exit 4; ${numbered}`));
  await t.throwsAsync(credentials.current(options()), { instanceOf: ConnectionError, message: /exit code 4/ });
  t.is((await credentials.current(options())).token, 'token-2');
});

test('it is told what it needs to know, and gets no standard input', async (t) => {
  const { folder } = t.context;
  const cluster = { server: 'https://a', config: null };
  const script = `echo "$KUBERNETES_EXEC_INFO" > info; cat > stdin; env > env; ${numbered}`;
  const login = program(folder, script, {
    cluster,
    interactiveMode: 'IfAvailable',
    env: { PATH: '/bin', ONLY: 'this' },
  });
  await new ExecCredentials(login).current(options({ ca: 'PEM' }));
  t.deepEqual(JSON.parse(readFileSync(join(folder, 'info'), 'utf8')), {
    kind: 'ExecCredential',
    apiVersion,
    spec: { cluster: { ...cluster, 'certificate-authority-data': 'UEVN' }, interactive: false },
  });
  t.is(readFileSync(join(folder, 'stdin'), 'utf8'), '');
  const names = readFileSync(join(folder, 'env'), 'utf8').match(/^\w+(?==)/gm);
  // What shells add, and what Node hands to every child while coverage is measured.
  const added = ['PWD', 'SHLVL', '_', 'OLDPWD', 'NODE_V8_COVERAGE'];
  t.deepEqual(names?.filter((name) => !added.includes(name)).sort(), ['KUBERNETES_EXEC_INFO', 'ONLY', 'PATH']);
});

for (const [interactiveMode, isInteractive, told] of [
  ['IfAvailable', true, true],
  ['Always', true, true],
  ['Never', true, false],
  ['Never', false, false],
] as const) {
  test(`interactiveMode ${interactiveMode} ${isInteractive ? 'with' : 'without'} a terminal`, async (t) => {
    const { folder } = t.context;
    const login = program(folder, `echo "$KUBERNETES_EXEC_INFO" > info; ${numbered}`, { interactiveMode });
    await new ExecCredentials(login).current(options({ isInteractive }));
    t.is(JSON.parse(readFileSync(join(folder, 'info'), 'utf8')).spec.interactive, told);
  });
}

test('one that must ask is not run without a terminal', async (t) => {
  const { folder } = t.context;
  const credentials = new ExecCredentials(program(folder, numbered, { interactiveMode: 'Always' }));
  await t.throwsAsync(credentials.current(options()), {
    message: /standard input is no terminal: run this in a terminal/,
  });
  t.is(runs(folder), 0);
});

test('what it says is passed on, and its last words are in the error', async (t) => {
  const { folder } = t.context;
  let said = '';
  const stderr = (text: string) => {
    said += text;
  };
  const credentials = new ExecCredentials(program(folder, 'echo open a browser >&2; echo it is closed >&2; exit 1'));
  await t.throwsAsync(credentials.current(options({ stderr })), {
    message: /^the credential program .*login failed with exit code 1: it is closed$/,
  });
  t.is(said, 'open a browser\nit is closed\n');
});

test('it is ended with what needs it', async (t) => {
  const { folder } = t.context;
  const credentials = new ExecCredentials(program(folder, 'exec sleep 60'));
  const current = credentials.current(options());
  current.catch(() => {});
  await waitFor(() => runs(folder) === 1, { what: 'the program to run' });
  credentials.close();
  await t.throwsAsync(current, { message: /was ended by SIGTERM$/ });
});

for (const [title, script, message] of [
  ['too much', 'yes | head -c 3000000', /gave more than 1048576 bytes|was ended by SIGTERM/],
  ['a token that is a number', answer('{"token":7}'), /status\.token is no text/],
  ['a date that is none', answer('{"token":"a","expirationTimestamp":"soon"}'), /expirationTimestamp is no time/],
  [
    'another kind',
    `echo '{"apiVersion":"${apiVersion}","kind":"Pod"}'`,
    /the kind of its output is not ExecCredential/,
  ],
  ['no status', `echo '{"apiVersion":"${apiVersion}","kind":"ExecCredential"}'`, /it has no status/],
  ['a list', "echo '[1]'", /is no JSON object/],
  ['nothing', ':', /is no JSON object/],
] as const) {
  test(`one that gives ${title} is an error that tells no secret`, async (t) => {
    const credentials = new ExecCredentials(program(t.context.folder, script));
    const error = await t.throwsAsync(credentials.current(options()), { instanceOf: ConnectionError, message });
    t.false(error?.message.includes('\n'));
  });
}

test('a bare name is never looked for in the folder we happen to be in', async (t) => {
  const login = program(t.context.folder, numbered, { command: 'login-that-is-not-there', searchPath: '.::relative' });
  await t.throwsAsync(new ExecCredentials(login).current(options()), {
    message:
      'the credential program login-that-is-not-there is not there: install it, or correct the exec of the kubeconfig',
  });
});
