import { execFileSync } from 'node:child_process';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { Json, JsonObject } from '../../../../shared/api/kubernetes-object.ts';
import { mergeYaml } from '../../../../shared/yaml/merge-yaml.ts';
import { printFlowYaml } from '../../../../shared/yaml/print-flow-yaml.ts';
import { printYaml } from '../../../../shared/yaml/print-yaml.ts';
import { findBinaries } from '../../../harness/control-plane/find-binaries.ts';
import { nastyStrings, nastyText } from './helpers/nasty-strings.ts';

// JSON for kubectl can't hold half a character; it would put a replacement character there.
const texts = [...new Set([...nastyStrings, ...fc.sample(nastyText, { numRuns: 3000, seed: 7 })])].filter(
  (text) => text.isWellFormed() && text !== '__proto__',
);

test('kubectl reads every nasty string as it was, as a value and as a key', async (t) => {
  const value = { keys: Object.fromEntries(texts.map((text) => [text, text])), list: texts };
  t.deepEqual(await readByKubectl(printYaml(object(value))), value);
});

test('kubectl reads what is put into a template as it was', async (t) => {
  // Go's reader takes no key of more than 1024 characters in flow style.
  const keys = Object.fromEntries(texts.filter((text) => text.length < 150).map((text) => [text, text]));
  const value = { keys, list: texts };
  const manifest = `${printYaml(object({})).replace('value: {}\n', '')}value: ${printFlowYaml(value)}\n`;
  t.deepEqual(await readByKubectl(manifest), value);
});

test('kubectl reads a merged document as the old one with the addition', async (t) => {
  const before = `${printYaml(object({ kept: 'yes' }))}  bare: yes # a comment\n`;
  const value = { added: Object.fromEntries(texts.filter((text) => text.length < 150).map((text) => [text, text])) };
  t.deepEqual(await readByKubectl(mergeYaml(before, { value })), { kept: 'yes', bare: true, ...value });
});

function object(value: Json): JsonObject {
  return { apiVersion: 'example.com/v1', kind: 'Example', metadata: { name: 'x' }, value };
}

/** Changed locally, without any server, and printed as JSON. */
async function readByKubectl(manifest: string): Promise<unknown> {
  const kubectl = path.join(await findBinaries(), 'kubectl');
  const args = ['annotate', '--local', '-f', '-', '-o', 'json', 'read=true'];
  const output = execFileSync(kubectl, args, {
    input: manifest,
    encoding: 'utf8',
    env: { KUBECONFIG: '/dev/null' },
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(output).value;
}
