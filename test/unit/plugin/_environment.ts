import { Readable } from 'node:stream';
import type { Environment } from '../../../plugin/environment.ts';
import { run } from '../../../plugin/run.ts';

export type Ran = { readonly stdout: string; readonly stderr: string; readonly code: number };

export type Surroundings = Partial<
  Pick<Environment, 'variables' | 'cwd' | 'programName' | 'temporaryFolder' | 'runProgram' | 'signal'>
> & {
  readonly stdin?: string;
  /** Columns of the terminal that stdout is; absent: it is a pipe. */
  readonly columns?: number;
};

/** An environment made up for the test, in which nothing is written anywhere. */
export function environmentFor(surroundings: Partial<Environment> = {}): Environment {
  const nowhere = { write: () => {}, isTerminal: false };
  return {
    variables: { HOME: '/nonexistent' },
    cwd: '/',
    temporaryFolder: '/nonexistent',
    runProgram: (program) => Promise.reject(new Error(`no program is run here, ${program} neither`)),
    programName: 'kubectl virt-platform',
    platform: 'linux',
    arch: 'x64',
    now: () => new Date('2026-01-01T12:00:00Z'),
    signal: new AbortController().signal,
    stdin: () => Readable.from([]),
    isStdinTerminal: false,
    stdout: nowhere,
    stderr: nowhere,
    ...surroundings,
  };
}

/** Runs the plugin in this process, in surroundings made up for the test. */
export async function runPlugin(args: readonly string[], surroundings: Surroundings = {}): Promise<Ran> {
  const { stdin = '', columns, ...others } = surroundings;
  const written = { stdout: '', stderr: '' };
  const code = await run(
    args,
    environmentFor({
      stdin: () => Readable.from([Buffer.from(stdin)]),
      stdout: {
        write: (text) => {
          written.stdout += text;
        },
        isTerminal: columns !== undefined,
        ...(columns !== undefined && { columns }),
      },
      stderr: {
        write: (text) => {
          written.stderr += text;
        },
        isTerminal: false,
      },
      ...others,
    }),
  );
  return { ...written, code };
}
