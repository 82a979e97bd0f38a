import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { activated, failsWith, hyperConverged, succeeds } from '../../integration/_plugin.ts';
import { runPlugin } from './_environment.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'plugin-run-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(path.join(folder, 'hco.json'), JSON.stringify(hyperConverged(activated)));

const fails = test.macro(async (t, args: string[], message: RegExp) => {
  const { stderr, ...ran } = await runPlugin(args, { cwd: folder });
  // What is assumed of files is said whether or not something is wrong with the rest.
  failsWith(t, { ...ran, stderr: stderr.replace(/^note: there is no CRD among the files: .*\n/, '') }, message);
});
writeFileSync(path.join(folder, 'broken.yaml'), 'apiVersion: v1\nkind: [\n');
writeFileSync(path.join(folder, 'node.yaml'), 'apiVersion: v1\nkind: Node\nmetadata: {name: x}\n');
writeFileSync(path.join(folder, 'list.yaml'), '- 1\n- 2\n');
writeFileSync(
  path.join(folder, 'v7.json'),
  JSON.stringify({ ...hyperConverged(activated), apiVersion: 'hco.kubevirt.io/v7' }),
);
writeFileSync(path.join(folder, 'binary.yaml'), new Uint8Array([0, 1, 2, 255]));
writeFileSync(path.join(folder, 'big.yaml'), 'x');
truncateSync(path.join(folder, 'big.yaml'), 500_000_000);
mkdirSync(path.join(folder, 'empty'));
mkdirSync(path.join(folder, 'broken-catalog/area'), { recursive: true });
writeFileSync(
  path.join(folder, 'broken-catalog/area/one.yaml.hbs'),
  'format: 1\ntarget: {apiVersion: v1, kind: ConfigMap, nme: a}\n---\ndata: {{#if\n',
);
writeFileSync(
  path.join(folder, 'two.json'),
  JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [hyperConverged({}, 'a'), hyperConverged({}, 'b')] }),
);

test('a file that does not exist', fails, ['render', '-f', 'none.yaml'], /^error: none\.yaml does not exist/);
test('a file that is no YAML', fails, ['render', '-f', 'broken.yaml'], /^error: broken\.yaml:\d+: not YAML or JSON/);
test(
  'a file that holds no objects',
  fails,
  ['status', '-f', 'list.yaml'],
  /^error: list\.yaml:1: not a Kubernetes object but a list/,
);
test(
  'a file without a HyperConverged',
  fails,
  ['status', '-f', 'node.yaml'],
  /^error: there is no HyperConverged \(hco\.kubevirt\.io\) in node\.yaml.*kubectl get hyperconverged/,
);
test(
  'files with two HyperConverged',
  fails,
  ['status', '-f', 'two.json'],
  /^error: there are 2 HyperConverged \(a\/.*, b\/.*\).*: leave out those that aren't meant$/m,
);
test(
  'a file with a HyperConverged of a version that is not understood',
  fails,
  ['status', '-f', 'v7.json'],
  /^error: HyperConverged in v7\.json is of hco\.kubevirt\.io\/v7, and only hco\.kubevirt\.io\/v1 and hco\.kubevirt\.io\/v1beta1 are understood: add the output of "kubectl get hyperconvergeds\.v1\.hco\.kubevirt\.io -A -o yaml"$/m,
);
test('a binary file', fails, ['status', '-f', 'binary.yaml'], /^error: binary\.yaml is no text but binary/);
test('a file of 500 MB', fails, ['status', '-f', 'big.yaml'], /^error: big\.yaml is 477 MiB large/);
test('an empty folder', fails, ['status', '-f', 'empty'], /^error: there is no \.yaml, \.yml or \.json file in empty/);
test('an unknown asset', fails, ['render', 'swap-enabel', '-f', 'hco.json'], /did you mean "swap-enable"\?/);
test(
  'an unknown format',
  fails,
  ['render', '-o', 'xml', '-f', 'hco.json'],
  /^error: --output=xml isn't known: it is one of yaml, json, name/,
);
test(
  "a graph's format after a blank",
  fails,
  ['explain', '--graph', 'dot', '-f', 'hco.json'],
  /^error: "dot" after a blank would be an asset: did you mean --graph=dot\?$/m,
);
test('an unknown flag', fails, ['status', '--contxt', 'x'], /^error: unknown flag --contxt: did you mean --context\?/);
test(
  'an unknown command',
  fails,
  ['statsu'],
  /^error: unknown command "statsu": did you mean "status"\?; see "kubectl virt-platform --help"/,
);
test(
  'a time that is none',
  fails,
  ['status', '--request-timeout', 'soon'],
  /^error: --request-timeout=soon isn't a time/,
);
test(
  'a catalog that is no folder',
  fails,
  ['render', '--catalog', 'none', '-f', 'hco.json'],
  /^error: none is no folder/,
);
test(
  'a catalog without assets',
  fails,
  ['render', '--catalog', 'empty', '-f', 'hco.json'],
  /^error: empty holds no asset/,
);

test('words that a terminal would act upon', fails, ['status', 'x\u001b[31m', '-f', 'hco.json'], /"x\\u001b\[31m"/);

test('an asset that is named and not wanted, and what was assumed about it', async (t) => {
  const { stdout, stderr, code } = await runPlugin(['render', 'pci-passthrough', '-f', 'hco.json'], { cwd: folder });
  t.is(stdout, '');
  t.is(code, 2);
  t.regex(
    stderr,
    /^note: there is no CRD among the files: all are taken as installed\nerror: pci-passthrough is left out \(condition-unmet\): [^\n]+\n$/,
  );
});

test('a broken catalog: every mistake, with file and line', async (t) => {
  const { stdout, stderr, code } = await runPlugin(['render', '--catalog', 'broken-catalog', '-f', 'hco.json'], {
    cwd: folder,
  });
  t.is(stdout, '');
  t.is(code, 2);
  const [first, ...mistakes] = stderr.trimEnd().split('\n');
  t.regex(first ?? '', /^error: broken-catalog can't be used, it has \d+ mistakes:$/);
  t.true(mistakes.length > 1);
  for (const mistake of mistakes) t.regex(mistake, /^ {2}broken-catalog\/area\/one\.yaml\.hbs:\d+: /);
});

test('without arguments there is help on stdout', async (t) => {
  for (const args of [[], ['--help'], ['-h'], ['help']]) {
    const ran = await runPlugin(args);
    succeeds(t, ran);
    t.regex(ran.stdout, /Usage:\n {2}kubectl virt-platform COMMAND/);
  }
  for (const args of [
    ['status', '--help'],
    ['help', 'status'],
    ['status', 'x', '-h'],
  ]) {
    const ran = await runPlugin(args);
    succeeds(t, ran);
    t.regex(ran.stdout, /Usage:\n {2}kubectl virt-platform status /);
  }
});
