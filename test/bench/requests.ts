import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { ControlPlane } from '../harness/control-plane.ts';
import type { Figure } from './measure.ts';

const main = path.resolve(import.meta.dirname, '../../plugin/main.ts');

const commands = [
  'version',
  'status',
  'status swap-enable',
  'status -o json',
  'render',
  'diff',
  'explain swap-enable',
  'features',
  'doctor',
  'patch descheduler-loadaware --set spec.logLevel=Debug --dry-run=server',
  'unmanage swap-enable --dry-run=client',
  'exclude swap-enable --dry-run=client',
  '__complete ignore swap-enable /',
];

/** What each command asks of the API server, by its audit log, on a cluster where everything is as it should be. */
export async function requestFigures(controlPlane: ControlPlane): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const command of commands) {
    const before = await requestsOf(controlPlane);
    await run(command, controlPlane);
    figures.push({
      what: `requests of ${command.replace('__complete', 'completing')}`,
      value: (await requestsOf(controlPlane)) - before,
      unit: 'requests',
      how: "counted in the API server's audit log, discovery included",
    });
  }
  return figures;
}

async function requestsOf({ auditLog }: ControlPlane): Promise<number> {
  return (await readFile(auditLog, 'utf8')).split('"userAgent":"kubectl-virt_platform/').length - 1;
}

async function run(command: string, { kubeconfig }: ControlPlane): Promise<void> {
  const child = spawn(process.execPath, [main, ...command.split(' ')], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  // 1 is what doctor says of findings.
  if (code > 1) throw new Error(`${command} ended with ${code}: ${stderr.trim()}`);
}
