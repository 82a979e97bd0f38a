import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

// A program of its own: runs in a bundle what people run, and writes the code that V8 has made of it by then.
//
//   node --random-seed=1 --predictable krew/executable/warm-up.ts FOLDER
//
// reads plugin.cjs and catalog.json there, and writes plugin.cache.

// From files only: what a network does first and what next is never the same twice, nor would the bytes be.
const cluster = path.resolve(import.meta.dirname, '../../test/fixtures/clusters/openshift');
const commands = [
  ['version', '--client'],
  ['render', '-f', cluster],
  ['status', '-f', cluster],
  ['diff', '-f', cluster],
  ['explain', 'swap-enable', '-f', cluster],
  ['status', '--help'],
];

const [folder = ''] = process.argv.slice(2);
// Code that wasn't used for a while would be thrown away, and what counts as a while depends on the machine.
setFlagsFromString('--no-flush-bytecode');
const source = readFileSync(path.join(folder, 'plugin.cjs'), 'utf8');
const script = new Script(source, { filename: 'plugin.cjs' });
const start = script.runInThisContext();
for (const command of commands) {
  const { code, printed } = await ran(command);
  if (code > 1) throw new Error(`"${command.join(' ')}" ended with ${code}: ${printed.slice(-500)}`);
}
// V8 takes no cache that was made with other flags than its own.
setFlagsFromString('--flush-bytecode');
const cachedData = script.createCachedData();
if (new Script(source, { filename: 'plugin.cjs', cachedData }).cachedDataRejected)
  throw new Error('V8 takes no code cache of its own');
writeFileSync(path.join(folder, 'plugin.cache'), cachedData);

/** Runs a command in this process, as if it had one of its own. */
function ran(command: readonly string[]): Promise<{ readonly code: number; readonly printed: string }> {
  return new Promise((resolve) => {
    let printed = '';
    const write = (text: string) => {
      printed += text;
      return true;
    };
    const stream = { write, on: () => stream, isTTY: false };
    let isStarted = false;
    const own = Object.create(process, {
      argv: { value: [process.execPath, process.execPath, ...command] },
      argv0: { value: 'kubectl-virt_platform' },
      env: { value: {} },
      stdout: { value: stream },
      stderr: { value: stream },
      once: { value: () => own },
      exit: { value: () => {} },
      // First what it is to be if the program ends too early.
      exitCode: {
        set: (code: number) => {
          if (isStarted) resolve({ code, printed });
          isStarted = true;
        },
      },
    });
    const builtIn = createRequire(import.meta.url);
    const getAsset = (name: string) => readFileSync(path.join(folder, name), 'utf8');
    start((name: string) => (name === 'node:process' ? own : name === 'node:sea' ? { getAsset } : builtIn(name)));
  });
}
