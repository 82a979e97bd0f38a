import { spawn } from 'node:child_process';
import { constants } from 'node:os';

export type Finished = { code: number; output: string };

/** Runs a program whose output is shown as it comes and returned as well; our signals are passed on to it. */
export async function runLive(
  command: string,
  args: readonly string[],
  { env = {} }: { env?: Record<string, string> } = {},
): Promise<Finished> {
  const child = spawn(command, args, {
    env: { ...process.env, ...(process.stdout.isTTY && !process.env.NO_COLOR ? { FORCE_COLOR: '1' } : {}), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    from.setEncoding('utf8');
    from.on('data', (chunk: string) => {
      output += chunk;
      to.write(chunk);
    });
  }

  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const passOn = (signal: NodeJS.Signals) => {
    // A Ctrl-C in a terminal goes to the whole process group: the child has it already.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    child.once('close', () => process.exit(128 + constants.signals[signal]));
  };
  for (const signal of signals) process.on(signal, passOn);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
    return { code, output };
  } finally {
    for (const signal of signals) process.off(signal, passOn);
  }
}
