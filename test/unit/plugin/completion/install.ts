import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { planInstallation } from '../../../../plugin/completion/install.ts';
import { failsWith, succeeds } from '../../../integration/_plugin.ts';
import { environmentFor, runPlugin } from '../_environment.ts';

const root = path.resolve(import.meta.dirname, '../../../..');
const name = 'kubectl_complete-virt_platform';

const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'plugin-install-')));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** What krew leaves: the program in its store, and a link to it in the folder that is in PATH. */
function krew(title: string) {
  const [store, bin] = ['store', 'bin'].map((one) => path.join(folder, title.replaceAll(/\W+/g, '-'), one)) as [
    string,
    string,
  ];
  for (const one of [store, bin]) mkdirSync(one, { recursive: true });
  writeFileSync(path.join(store, 'kubectl-virt_platform'), '', { mode: 0o755 });
  symlinkSync(path.join(store, 'kubectl-virt_platform'), path.join(bin, 'kubectl-virt_platform'));
  const variables = { PATH: ['/nonexistent', bin, store].join(path.delimiter) };
  const installs = (...args: string[]) => runPlugin(['completion', 'install', ...args], { variables, cwd: store });
  return { store, bin, file: path.join(bin, name), installs };
}

test('it is written beside the link in PATH, not into the store that krew replaces', async (t) => {
  const { bin, store, file, installs } = krew(t.title);
  const ran = await installs();
  succeeds(t, ran);
  t.is(ran.stdout, `${file} created\n`);
  t.deepEqual(readdirSync(bin), ['kubectl-virt_platform', name], 'and no draft is left');
  t.deepEqual(readdirSync(store), ['kubectl-virt_platform']);
  t.is(statSync(file).mode & 0o777, 0o755);
});

test('once it is there it is left as it is; an older one of ours is replaced, and one that nobody may run', async (t) => {
  const { file, installs } = krew(t.title);
  await installs();
  t.is((await installs()).stdout, `${file} unchanged\n`);
  const content = readFileSync(file, 'utf8');
  writeFileSync(file, `${content}# of last year\n`);
  t.is((await installs()).stdout, `${file} configured\n`);
  t.is(readFileSync(file, 'utf8'), content);
  chmodSync(file, 0o644);
  t.is((await installs()).stdout, `${file} configured\n`);
  t.is(statSync(file).mode & 0o777, 0o755);
});

test("somebody else's file is left alone, and so is a link", async (t) => {
  const { file, store, installs } = krew(t.title);
  writeFileSync(file, '#!/bin/sh\necho mine\n');
  failsWith(t, await installs(), /is there, and wasn't written by this command: see what it is/);
  t.is(readFileSync(file, 'utf8'), '#!/bin/sh\necho mine\n');
  rmSync(file);
  symlinkSync(path.join(store, 'nowhere'), file);
  failsWith(t, await installs(), /is there, and wasn't written by this command/);
});

test('--dry-run=client only says where', async (t) => {
  const { file, bin, installs } = krew(t.title);
  const ran = await installs('--dry-run=client');
  succeeds(t, ran);
  t.is(ran.stdout, `${file} created (dry run)\n`);
  t.deepEqual(readdirSync(bin), ['kubectl-virt_platform']);
  failsWith(t, await installs('--dry-run'), /--dry-run= isn't known: it is one of none, client/);
});

test('--dir writes it elsewhere, and warns where kubectl does not look there', async (t) => {
  const { store, installs } = krew(t.title);
  const ran = await installs('--dir', '.');
  succeeds(t, ran);
  t.is(ran.stdout, `${path.join(store, name)} created\n`);
  const other = path.dirname(store);
  const { stdout, stderr, code } = await installs('--dir', other);
  t.deepEqual([stdout, code], [`${path.join(other, name)} created\n`, 0]);
  t.is(stderr, 'Warning: that folder is not in PATH, where kubectl looks: add it\n');
  failsWith(t, await installs('--dir', 'none'), /^error: none is no folder: --dir names one of those in PATH/);
});

test('a plugin that is not in PATH is told so: kubectl would not find it either', async (t) => {
  failsWith(
    t,
    await runPlugin(['completion', 'install'], { variables: { PATH: '/nonexistent' } }),
    /kubectl-virt_platform is in no folder of PATH.*completion install --dir FOLDER/,
  );
});

// Where not even root may write.
const ofLinux = process.platform === 'linux' ? test : test.skip;
ofLinux('a folder that cannot be written to is told, with what can be done (Linux)', async (t) => {
  failsWith(
    t,
    await krew(t.title).installs('--dir', '/sys'),
    /^error: could not write \/sys\/kubectl_complete-virt_platform \((permission denied|read-only)\): call it as somebody who may, or name another folder/,
  );
});

test('the one in a checkout is what would be written', (t) => {
  const environment = environmentFor({ variables: { PATH: path.join(root, 'plugin') } });
  t.is(planInstallation(environment).now, 'same');
});

test('on Windows it is a .cmd', (t) => {
  const { bin } = krew(t.title);
  writeFileSync(path.join(bin, 'kubectl-virt_platform.exe'), '');
  const { file, content } = planInstallation(environmentFor({ platform: 'win32', variables: { Path: bin } }));
  t.is(file, path.join(bin, `${name}.cmd`));
  t.regex(content, /\r\n@kubectl-virt_platform __complete %\*\r\n$/);
});

const fails = test.macro(async (t, args: string[], message: RegExp) =>
  failsWith(t, await runPlugin(['completion', ...args]), message),
);
test('completion without a shell', fails, [], /needs to know for what: it is one of bash, zsh, fish, install/);
test('completion of another shell', fails, ['powershell'], /no completion for "powershell": it is one of bash, zsh/);
test('completion of a misspelt shell', fails, ['bsah'], /did you mean "bash"\?/);
test('completion of two shells', fails, ['bash', 'zsh'], /takes one word, and "zsh" is another/);
test('--dir with a shell', fails, ['bash', '--dir', 'x'], /--dir is for "completion install"/);
