import { spawn } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import type { Cluster } from '../helpers/cluster.ts';

const root = path.resolve(import.meta.dirname, '../..');

export type Typed = {
  /** What the person types once the question is there. */
  readonly answer: string;
  /** What happens while the question stands. */
  readonly meanwhile?: () => Promise<unknown>;
  /** Environment variables besides. */
  readonly env?: Readonly<Record<string, string>>;
  /** What is waited for before typing; by default the question. */
  readonly until?: string;
  /** How wide the terminal is; by default as it happens to be. */
  readonly columns?: number;
};

/** Runs the plugin through the real kubectl on a pseudo-terminal, and answers what it asks; all that it printed. */
export async function onTerminal(
  { controlPlane, kubeconfig }: Cluster,
  args: readonly string[],
  { answer, meanwhile, env = {}, until = '[y/N] ', columns }: Typed,
): Promise<{ readonly text: string; readonly code: number }> {
  const command = [controlPlane.kubectl, 'virt-platform', ...args].map((word) => `'${word}'`).join(' ');
  const sized = columns === undefined ? command : `stty cols ${columns} rows 50 && ${command}`;
  const child = spawn('script', ['-qec', sized, '/dev/null'], {
    env: {
      PATH: [controlPlane.binDir, path.join(root, 'plugin'), path.dirname(process.execPath), process.env.PATH].join(
        path.delimiter,
      ),
      HOME: controlPlane.directory,
      TMPDIR: controlPlane.directory,
      SHELL: '/bin/sh',
      TERM: 'dumb',
      KUBECONFIG: kubeconfig,
      ...(process.env.NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE: process.env.NODE_V8_COVERAGE }),
      ...env,
    },
  });
  let text = '';
  let isAnswered = false;
  child.stdin.on('error', () => {});
  child.stdout.on('data', async (chunk) => {
    text += String(chunk);
    if (isAnswered || !text.includes(until)) return;
    isAnswered = true;
    await meanwhile?.();
    child.stdin.write(answer);
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
  return { text: text.replaceAll('\r\n', '\n'), code };
}
