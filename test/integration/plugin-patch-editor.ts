import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import test from 'ava';
import { useCluster, waitFor } from '../helpers/cluster.ts';
import { activated, hyperConverged, makeNamespaces } from './_plugin.ts';
import { onTerminal } from './_plugin-terminal.ts';

const cluster = useCluster(test);
const descheduler = {
  apiVersion: 'operator.openshift.io/v1',
  kind: 'KubeDescheduler',
  namespace: 'openshift-kube-descheduler-operator',
  name: 'cluster',
};
const key = 'platform.kubevirt.io/patch';
const edit = ['patch', 'descheduler-loadaware', '--edit'];

async function patchOf(): Promise<unknown> {
  const value = (await cluster.get(descheduler))?.metadata.annotations?.[key];
  return value === undefined ? undefined : JSON.parse(value);
}

let editors = 0;

/** An editor that does each of these (of `sh`, the file is `$1`) at one call after the other; and what it was given. */
async function editorThat(...calls: readonly string[]) {
  const folder = path.join(cluster.controlPlane.directory, `editor-${editors++}`);
  await mkdir(folder);
  const script = path.join(folder, 'edit');
  const steps = calls.map((call, index) => `${index + 1}) ${call} ;;`).join('\n');
  await writeFile(
    script,
    `#!/bin/sh
count=$(( $(cat '${folder}/count' 2>/dev/null || echo 0) + 1 ))
echo "$count" > '${folder}/count'
cp "$1" '${folder}/given-'"$count"
case "$count" in
${steps}
*) exit 99 ;;
esac
`,
  );
  await chmod(script, 0o755);
  return {
    env: { KUBE_EDITOR: script, TMPDIR: folder },
    folder,
    given: (call: number) => readFile(path.join(folder, `given-${call}`), 'utf8'),
  };
}

/** Files of ours that are left in a folder. */
async function leftIn(folder: string): Promise<string[]> {
  const sessions = (await readdir(folder)).filter((name) => name.startsWith('kubectl-virt-platform-edit-'));
  return (
    await Promise.all(
      sessions.map(async (name) =>
        (await readdir(path.join(folder, name))).map((file) => path.join(folder, name, file)),
      ),
    )
  ).flat();
}

test.serial.before('a baseline is there', async (t) => {
  await makeNamespaces(cluster);
  await cluster.apply(hyperConverged(activated));
  const { stdout } = await cluster.kubectl(['virt-platform', 'render']);
  const args = ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '--force-conflicts', '-f', '-'];
  const applied = await cluster.kubectl(args, { stdin: stdout });
  t.is(applied.code, 0, applied.stderr);
});

test.afterEach.always('nothing is patched any more', async () => {
  await cluster.patch(descheduler, { metadata: { annotations: { [key]: null } } });
});

test.serial('what is changed in the editor becomes the patch, once the question is answered', async (t) => {
  const editor = await editorThat(`sed -i 's/IntervalSeconds: 60/IntervalSeconds: 300/' "$1"`);
  const ran = await onTerminal(cluster, edit, { answer: 'y\n', env: editor.env });
  t.is(ran.code, 0, ran.text);
  t.deepEqual(await patchOf(), [{ op: 'replace', path: '/spec/deschedulingIntervalSeconds', value: 300 }]);
  const given = await editor.given(1);
  t.regex(
    given,
    /^# KubeDescheduler\/openshift-kube-descheduler-operator\/cluster as descheduler-loadaware wants it\./,
  );
  t.regex(given, /\n# cancels, .*\n#\napiVersion: operator\.openshift\.io\/v1\nkind: KubeDescheduler\n/);
  t.deepEqual(await leftIn(editor.folder), [], 'nothing is left behind');

  const again = await editorThat(`sed -i 's/mode: Automatic/mode: Predictive/' "$1"`);
  await cluster.kubectl(['virt-platform', ...edit, '-y'], { env: again.env });
  t.regex(await again.given(1), /with the patch that is there \(1\)[\s\S]*deschedulingIntervalSeconds: 300\n/);
  t.deepEqual(await patchOf(), [
    { op: 'replace', path: '/spec/mode', value: 'Predictive' },
    { op: 'replace', path: '/spec/deschedulingIntervalSeconds', value: 300 },
  ]);
});

test.serial('after each mistake the file is opened again as it was left, with what is wrong on top', async (t) => {
  const editor = await editorThat(
    `sed -i 's/mode: Automatic/mode: [/' "$1"`,
    `sed -i 's/mode: \\[/mode: Predictiv/' "$1"`,
    `sed -i -e 's/mode: Predictiv/mode: Predictive/' -e 's/managementState: Managed/managementState: Manged/' "$1"`,
    `sed -i -e 's/managementState: Manged/managementState: Managed/' -e 's/name: cluster/name: other/' "$1"`,
    `sed -i 's/name: other/name: cluster/' "$1"`,
  );
  const ran = await onTerminal(cluster, edit, { answer: 'y\n', env: editor.env });
  t.is(ran.code, 0, ran.text);
  t.deepEqual(await patchOf(), [{ op: 'replace', path: '/spec/mode', value: 'Predictive' }]);

  const broken = await editor.given(2);
  const [, line] = /\n# error: line (\d+), column \d+: /.exec(broken) ?? [];
  const around = broken
    .split('\n')
    .slice(Number(line) - 2, Number(line) + 1)
    .join('\n');
  t.regex(around, /mode: \[/, 'the line is that of the file as it is opened again');
  const notAllowed = await editor.given(3);
  t.regex(
    notAllowed,
    /\n#\n# error: \/spec\/mode is one of Automatic, Predictive, and "Predictiv" isn't \(did you mean "Predictive"\?\)\napiVersion/,
  );
  t.notRegex(notAllowed, /error: line/, 'what was wrong before is gone');
  t.regex(await editor.given(4), /\n# error: the API server refuses the result: .*managementState/);
  t.regex(await editor.given(5), /\n# error: no patch can do that: it changes \/metadata\/name/);
  t.deepEqual(await leftIn(editor.folder), []);
});

test.serial('saved as it was, or empty, it is cancelled; comments and blanks are no change', async (t) => {
  const same = await cluster.kubectl(['virt-platform', ...edit], { env: (await editorThat('true')).env });
  t.deepEqual(same, { code: 0, stdout: '', stderr: 'Edit cancelled, no changes made.\n' });
  const remarks = await editorThat(`{ echo '# a remark'; cat "$1"; echo; } > "$1.new" && mv "$1.new" "$1"`);
  const remarked = await cluster.kubectl(['virt-platform', ...edit], { env: remarks.env });
  t.deepEqual(remarked, { code: 0, stdout: '', stderr: 'Edit cancelled, no changes made.\n' });
  const emptied = await editorThat(`echo '# nothing' > "$1"`);
  const empty = await cluster.kubectl(['virt-platform', ...edit], { env: emptied.env });
  t.deepEqual(empty, { code: 0, stdout: '', stderr: 'Edit cancelled, saved file was empty.\n' });
  t.deepEqual([...(await leftIn(remarks.folder)), ...(await leftIn(emptied.folder))], []);
  t.is(await patchOf(), undefined);
});

test.serial('who gives up on a mistake finds their text in a file that is named', async (t) => {
  const editor = await editorThat(`sed -i 's/mode: Automatic/mode: x/' "$1"`, 'true');
  const { code, stdout, stderr } = await cluster.kubectl(['virt-platform', ...edit, '-y'], { env: editor.env });
  t.deepEqual([code, stdout], [2, '']);
  const [, copy = ''] =
    /^error: Edit cancelled, no valid changes were saved; a copy of your changes is in (\S+)\n$/.exec(stderr) ?? [];
  t.regex(await readFile(copy, 'utf8'), /mode: x/);
  t.is(await patchOf(), undefined);
});

test.serial(
  'an editor that fails, or isn’t there, leaves nothing written; the text is kept where something was changed',
  async (t) => {
    const failing = await editorThat(`sed -i 's/mode: Automatic/mode: Predictive/' "$1"; exit 3`);
    const failed = await cluster.kubectl(['virt-platform', ...edit, '-y'], { env: failing.env });
    t.is(failed.code, 2);
    t.regex(
      failed.stderr,
      /^error: the editor "\S+" ended with exit code 3; nothing was written; a copy of your changes is in \S+\n$/,
    );
    t.is((await leftIn(failing.folder)).length, 1);

    const untouched = await editorThat('exit 1');
    const unchanged = await cluster.kubectl(['virt-platform', ...edit, '-y'], { env: untouched.env });
    t.regex(unchanged.stderr, /^error: the editor "\S+" ended with exit code 1; nothing was written\n$/);
    t.deepEqual(await leftIn(untouched.folder), []);

    // As a shell has it: 128 and the signal.
    const killed = await editorThat('kill -KILL $$');
    const ended = await cluster.kubectl(['virt-platform', ...edit, '-y'], { env: killed.env });
    t.regex(ended.stderr, /^error: the editor "\S+" ended with exit code 137; nothing was written\n$/);

    const missing = await cluster.kubectl(['virt-platform', ...edit, '-y'], {
      env: { EDITOR: 'no-such-editor --wait' },
    });
    t.regex(
      missing.stderr,
      /^error: the editor "no-such-editor --wait" can't be started \(spawn no-such-editor ENOENT\): set KUBE_EDITOR; nothing was written\n$/,
    );
    const none = await cluster.kubectl(['virt-platform', ...edit, '-y']);
    t.regex(
      none.stderr,
      /^error: there is no terminal to edit on: set KUBE_EDITOR to a program that needs none, or use --set or -p; nothing was written\n$/,
    );
    t.is(await patchOf(), undefined);
  },
);

test.serial('line ends, byte order marks and UTF-16 of other systems are no change, and hide none', async (t) => {
  const bom = `{ printf '\\357\\273\\277'; cat "$1"; } > "$1.new" && mv "$1.new" "$1"`;
  const utf16 = `{ printf '\\377\\376'; iconv -f UTF-8 -t UTF-16LE "$1"; } > "$1.new" && mv "$1.new" "$1"`;
  for (const saved of [`sed -i 's/$/\\r/' "$1"`, bom, utf16]) {
    const same = await cluster.kubectl(['virt-platform', ...edit], { env: (await editorThat(saved)).env });
    t.deepEqual(same, { code: 0, stdout: '', stderr: 'Edit cancelled, no changes made.\n' }, saved);
    const editor = await editorThat(`sed -i 's/mode: Automatic/mode: Predictive/' "$1"; ${saved}`);
    const ran = await cluster.kubectl(['virt-platform', ...edit, '-y'], { env: editor.env });
    t.is(ran.code, 0, ran.stderr);
    t.deepEqual(await patchOf(), [{ op: 'replace', path: '/spec/mode', value: 'Predictive' }], saved);
    await cluster.patch(descheduler, { metadata: { annotations: { [key]: null } } });
  }
});

test.serial('a file that can’t be read back is one line, and is kept as the editor left it', async (t) => {
  const saved: [call: string, message: RegExp, isKept: boolean][] = [
    ['rm "$1"', /^error: the editor removed the file; nothing was written\n$/, false],
    [
      `printf 'a: \\374' >> "$1"`,
      /^error: \S+ is no text but binary: expected the object as YAML; nothing was written; a copy of your changes is in \S+\n$/,
      true,
    ],
    [
      `head -c 4000000 /dev/zero | tr '\\0' a >> "$1"`,
      /^error: \S+ (?:is larger than|is \d+ MiB large).*nothing was written; a copy/,
      true,
    ],
    [`rm "$1"; mkdir "$1"`, /^error: \S+ is a folder: .*; nothing was written; a copy of your changes is in/, true],
  ];
  for (const [call, message, isKept] of saved) {
    const editor = await editorThat(call);
    const { code, stdout, stderr } = await cluster.kubectl(['virt-platform', ...edit, '-y'], { env: editor.env });
    t.deepEqual([code, stdout], [2, '']);
    t.regex(stderr, message);
    t.is((await leftIn(editor.folder)).length, isKept ? 1 : 0, call);
  }
  t.is(await patchOf(), undefined);
});

test.serial('where the server goes away while one edits, the text is kept, and named', async (t) => {
  const sockets = new Set<Socket>();
  const { hostname, port } = new URL(cluster.controlPlane.url);
  const relay = createServer((socket) => {
    const onward = connect(Number(port), hostname);
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {}).on('close', () => other.destroy());
      one.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  t.teardown(() => relay.close());
  await once(relay, 'listening');
  const server = `https://127.0.0.1:${(relay.address() as AddressInfo).port}`;
  const editor = await editorThat(
    `sed -i 's/mode: Automatic/mode: Predictive/' "$1"; touch "$TMPDIR/open"; until [ -e "$TMPDIR/go" ]; do sleep 0.1; done`,
  );
  const running = cluster.kubectl(['virt-platform', ...edit, '-y', '--server', server, '--request-timeout=2s'], {
    env: editor.env,
  });
  await waitFor(async () => (await readdir(editor.folder)).includes('open'), { what: 'the editor to be open' });
  relay.close();
  for (const socket of sockets) socket.destroy();
  await writeFile(path.join(editor.folder, 'go'), '');
  const { code, stderr } = await running;
  t.is(code, 2);
  const [, copy = ''] =
    /^note: a copy of your changes is in (\S+)\nerror: could not reach the API server /m.exec(stderr) ?? [];
  t.regex(await readFile(copy, 'utf8'), /mode: Predictive/, stderr);
  t.is(await patchOf(), undefined);
});

test.serial('Ctrl-C in the editor leaves nothing written, and keeps what was changed', async (t) => {
  const untouched = await editorThat('echo READY; exec sleep 60');
  const left = await onTerminal(cluster, edit, { until: 'READY', answer: '\u0003', env: untouched.env });
  t.is(left.code, 130, left.text);
  t.deepEqual(await leftIn(untouched.folder), []);

  const editor = await editorThat(`sed -i 's/mode: Automatic/mode: Predictive/' "$1"; echo READY; exec sleep 60`);
  const interrupted = await onTerminal(cluster, edit, { until: 'READY', answer: '\u0003', env: editor.env });
  t.is(interrupted.code, 130, interrupted.text);
  // The editor's end may be seen before the signal is.
  t.regex(interrupted.text, /(?:\nnote: |; nothing was written; )a copy of your changes is in \S+\n/);
  t.is((await leftIn(editor.folder)).length, 1);
  t.is(await patchOf(), undefined);
});

test.serial('Ctrl-C at the question leaves nothing written, and keeps the text', async (t) => {
  const editor = await editorThat(`sed -i 's/mode: Automatic/mode: Predictive/' "$1"`);
  const ran = await onTerminal(cluster, edit, { answer: '\u0003', env: editor.env });
  t.is(ran.code, 130, ran.text);
  t.is((await leftIn(editor.folder)).length, 1);
  t.is(await patchOf(), undefined);
});

test.serial('where somebody else patches while one edits, nothing is overwritten, and the text is kept', async (t) => {
  const editor = await editorThat(`sed -i 's/mode: Automatic/mode: Predictive/' "$1"`);
  const ran = await onTerminal(cluster, edit, {
    answer: 'y\n',
    env: editor.env,
    meanwhile: () =>
      cluster.kubectl(['virt-platform', 'patch', 'descheduler-loadaware', '--set', 'spec.logLevel=Debug', '-y']),
  });
  t.is(ran.code, 2, ran.text);
  t.regex(ran.text, /was left as it is: meanwhile it was changed: \S+patch was not set/);
  const [, copy = ''] = /note: a copy of your changes is in (\S+)/.exec(ran.text) ?? [];
  t.regex(await readFile(copy, 'utf8'), /mode: Predictive/);
  t.deepEqual(await patchOf(), [{ op: 'add', path: '/spec/logLevel', value: 'Debug' }]);
});

test.serial('somebody’s edit of another field, while one edits, is no obstacle', async (t) => {
  const editor = await editorThat(
    `touch "$TMPDIR/open"; until [ -e "$TMPDIR/go" ]; do sleep 0.1; done; sed -i 's/mode: Automatic/mode: Predictive/' "$1"`,
  );
  const running = cluster.kubectl(['virt-platform', ...edit, '-y'], { env: editor.env });
  await waitFor(async () => (await readdir(editor.folder)).includes('open'), { what: 'the editor to be open' });
  await cluster.patch(
    descheduler,
    { metadata: { annotations: { 'example.com/other': 'x' } } },
    { manager: 'somebody' },
  );
  await writeFile(path.join(editor.folder, 'go'), '');
  const ran = await running;
  t.is(ran.code, 0, ran.stderr);
  t.deepEqual(await patchOf(), [{ op: 'replace', path: '/spec/mode', value: 'Predictive' }]);
});
