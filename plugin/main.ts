import { constants, tmpdir } from 'node:os';
import { basename } from 'node:path';
import process from 'node:process';
import { isatty } from 'node:tty';
import type { Environment, Output } from './environment.ts';
import { run } from './run.ts';

// The only place that knows the process. Everything below is handed an Environment.
const interrupted = new AbortController();

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    interrupted.abort(signal);
    process.exit(code);
  });
}
const closed = new AbortController();
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Who reads has seen enough (`| head -1`): no failure of ours, and what was to be done is done.
    if (error.code === 'EPIPE') {
      if (stream === process.stdout) closed.abort();
      return;
    }
    if (stream === process.stdout)
      process.stderr.write(`error: could not write to standard output: ${error.message}\n`);
    process.exit(2);
  });
}

const environment: Environment = {
  variables: process.env,
  stdout: { ...output(process.stdout), closed: closed.signal },
  stderr: output(process.stderr),
  stdin: () => process.stdin,
  isStdinTerminal: isatty(0),
  cwd: currentFolder(),
  temporaryFolder: tmpdir(),
  now: () => new Date(),
  platform: process.platform,
  arch: process.arch,
  programName: programName(process.env.VIRT_PLATFORM_PROGRAM || process.argv0),
  signal: interrupted.signal,
  runProgram: async (program, args, { reads = false } = {}) => {
    const { spawn } = await import('node:child_process');
    const child = spawn(program, args, { stdio: [reads ? 'inherit' : 'ignore', 'inherit', 'inherit'], shell: false });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  },
};
// Not awaited here, since a package is CommonJS. Until it is done, an end that nobody meant is a failure.
process.exitCode = 2;
void run(process.argv.slice(2), environment).then((code) => {
  process.exitCode = code;
  // As soon as everything is written: nothing waits for what is still being looked up, or for memory to be given back
  // piece by piece. What couldn't be written is told first, above.
  process.stdout.write('', (error) => {
    if (!error) process.stderr.write('', () => process.exit());
  });
});

function output(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => {
      stream.write(text);
    },
    isTerminal: stream.isTTY === true,
    // A terminal that nobody told its size says 0.
    ...(stream.isTTY && stream.columns > 0 && { columns: stream.columns }),
  };
}

/** A folder that was deleted under our feet has no path; what needs none works there all the same. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

/** `kubectl-virt_platform` is called as `kubectl virt-platform`; a program of another name as that name. */
function programName(program: string): string {
  const name = basename(program).replace(/\.exe$/, '');
  if (name.startsWith('kubectl-')) return name.replaceAll('-', ' ').replaceAll('_', '-');
  return name === 'node' ? 'kubectl virt-platform' : name;
}
