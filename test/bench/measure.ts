import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/** One measured figure, beside what it must hold where the architecture says so. */
export type Figure = {
  readonly what: string;
  readonly value: number;
  readonly unit: 'ms' | 'requests' | 'plans' | 'MB' | '×';
  /** The value must not be above it. */
  readonly bar?: number;
  /** How it was measured. */
  readonly how: string;
};

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Median time of a call in milliseconds, after as many calls to warm up. */
export function timeOf(call: () => unknown, runs: number): number {
  for (let run = 0; run < runs; run++) call();
  return median(
    Array.from({ length: runs }, () => {
      const start = performance.now();
      call();
      return performance.now() - start;
    }),
  );
}

export type Process = { readonly command: string; readonly args: readonly string[]; readonly env?: NodeJS.ProcessEnv };

/** The value that this share of all (0.95: 95 %) is not above. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Median wall times, in milliseconds, of {@link runInTurn}. */
export async function timeProcesses(processes: readonly Process[], runs: number): Promise<number[]> {
  return (await runInTurn(processes, runs)).map(median);
}

/** Wall times, in milliseconds, of whole processes run in turn, so that what else the machine does hits all alike. */
export async function runInTurn(processes: readonly Process[], runs: number): Promise<readonly number[][]> {
  const times: number[][] = processes.map(() => []);
  for (let run = 0; run <= runs; run++) {
    for (const [index, process] of processes.entries()) {
      const time = await timeProcess(process);
      // The first round warms the file cache up.
      if (run > 0) times[index]?.push(time);
    }
  }
  return times;
}

async function timeProcess({ command, args, env }: Process): Promise<number> {
  const start = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...(env !== undefined && { env }) });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr.trim()}`);
  return performance.now() - start;
}
