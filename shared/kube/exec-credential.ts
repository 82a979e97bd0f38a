import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { ConnectionError } from './connection-error.ts';
import type { ExecProgram } from './exec-program.ts';

/** What a program gave; at least a token, or a certificate with its key. PEM text. */
export type ExecCredential = { readonly token?: string; readonly cert?: string; readonly key?: string };

/** What a program may use of the terminal of the process that starts it. */
export type ExecTerminal = {
  /** True when standard input is a terminal that nothing else reads: the program may ask there. Default false. */
  readonly isInteractive?: boolean;
  /** Where what it says (how to log in, say) goes: to our own standard error, or to a callback. Default `inherit`. */
  readonly stderr?: 'inherit' | ((text: string) => void);
};

export type ExecOptions = ExecTerminal & {
  /** Milliseconds since 1970. */
  readonly date: () => number;
  /** PEM of the authority that the program is told of, if it is told of the cluster at all. */
  readonly ca?: string | undefined;
};

/**
 * The credential of a program, run as kubectl runs it: once for everybody who asks meanwhile, again when what it gave
 * has ended or was refused. No shell.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export class ExecCredentials {
  readonly #program: ExecProgram;
  #last: Issued | undefined;
  #running: Promise<Issued> | undefined;
  #child: ChildProcess | undefined;

  constructor(program: ExecProgram) {
    this.#program = program;
  }

  /** @throws ConnectionError that names the program and what to do. */
  async current(options: ExecOptions): Promise<ExecCredential> {
    if (this.#last !== undefined && options.date() <= this.#last.expires) return this.#last.credential;
    this.#running ??= this.#runAndKeep(options);
    // Even what ends at once is used by those who waited for it, as in kubectl: the server says whether it is of use.
    return (await this.#running).credential;
  }

  /** Has the program run for the next who asks, unless it has run since it gave what was refused. */
  refuse(refused: ExecCredential): void {
    if (this.#last?.credential === refused) this.#last = undefined;
  }

  /** Ends the program if it runs. */
  close(): void {
    this.#child?.kill();
  }

  async #runAndKeep(options: ExecOptions): Promise<Issued> {
    try {
      this.#last = await this.#run(options);
      return this.#last;
    } finally {
      this.#running = undefined;
    }
  }

  async #run({ isInteractive: hasTerminal = false, stderr = 'inherit', ca }: ExecOptions): Promise<Issued> {
    const { apiVersion, command, interactiveMode, cluster } = this.#program;
    if (interactiveMode === 'Always' && !hasTerminal) {
      throw failure(
        command,
        'must ask questions, and standard input is no terminal: run this in a terminal, or log in beforehand',
      );
    }
    const isInteractive = interactiveMode !== 'Never' && hasTerminal;
    const authority = ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') };
    const info = {
      kind: 'ExecCredential',
      apiVersion,
      spec: { ...(cluster !== undefined && { cluster: { ...cluster, ...authority } }), interactive: isInteractive },
    };
    const output = await this.#output(JSON.stringify(info), isInteractive, stderr);
    return issuedBy(output, this.#program);
  }

  async #output(info: string, isInteractive: boolean, stderr: NonNullable<ExecTerminal['stderr']>): Promise<string> {
    const { command, args, env } = this.#program;
    const child = spawn(this.#file(), args, {
      env: { ...env, KUBERNETES_EXEC_INFO: info },
      stdio: [isInteractive ? 'inherit' : 'ignore', 'pipe', stderr === 'inherit' ? 'inherit' : 'pipe'],
      windowsHide: true,
    });
    this.#child = child;
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > largestOutput) child.kill();
    });
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-1000);
      if (stderr !== 'inherit') stderr(text);
    });
    return await new Promise((resolve, reject) => {
      child.on('error', (error: NodeJS.ErrnoException) => reject(this.#notStarted(error)));
      child.on('close', (code, signal) => {
        this.#child = undefined;
        const said = words.trim().split('\n').at(-1);
        const why = said ? `: ${said}` : '; see its own words above';
        if (output.length > largestOutput) reject(failure(command, `gave more than ${largestOutput} bytes`));
        else if (signal !== null) reject(failure(command, `was ended by ${signal}`));
        else if (code !== 0) reject(failure(command, `failed with exit code ${code}${why}`));
        else resolve(output);
      });
    });
  }

  /** A bare name is found in our own PATH, whatever PATH the program is to run with; never in the folder we are in. */
  #file(): string {
    const { command, searchPath } = this.#program;
    const isWindows = delimiter === ';';
    if (isWindows || basename(command) !== command) return command;
    const folders = searchPath.split(delimiter).filter(isAbsolute);
    const file = folders.map((folder) => join(folder, command)).find(isExecutable);
    if (file === undefined) throw this.#notStarted(Object.assign(new Error(), { code: 'ENOENT' }));
    return file;
  }

  #notStarted(error: NodeJS.ErrnoException): ConnectionError {
    const { command, installHint } = this.#program;
    if (error.code !== 'ENOENT') return failure(command, `could not be run (${error.code ?? error.message})`, error);
    const hint = installHint?.trim().replace(/\s+/g, ' ') ?? 'install it, or correct the exec of the kubeconfig';
    return failure(command, `is not there: ${hint}`, error);
  }
}

type Issued = {
  readonly credential: ExecCredential;
  /** Milliseconds since 1970; `Infinity` when it never ends. */
  readonly expires: number;
};

// A chain of certificates has some thousand.
const largestOutput = 1024 * 1024;

/** Never says what the program printed: it is a secret. */
function issuedBy(output: string, { apiVersion, command }: ExecProgram): Issued {
  const unusable = (why: string) => failure(command, `gave no usable ExecCredential: ${why}`);
  const answer = parsed(output);
  if (!isMap(answer)) throw unusable('its output is no JSON object');
  if (answer.kind !== 'ExecCredential') throw unusable('the kind of its output is not ExecCredential');
  if (answer.apiVersion !== apiVersion) {
    const other = typeof answer.apiVersion === 'string' ? `"${answer.apiVersion.slice(0, 60)}"` : 'none';
    throw unusable(`the kubeconfig asks for apiVersion ${apiVersion}, its output has ${other}`);
  }
  const { status } = answer;
  if (!isMap(status)) throw unusable('it has no status');
  const text = (field: string): string | undefined => {
    const value = status[field] ?? '';
    if (typeof value !== 'string') throw unusable(`its status.${field} is no text`);
    return value || undefined;
  };
  const token = text('token');
  const cert = text('clientCertificateData');
  const key = text('clientKeyData');
  if ((cert === undefined) !== (key === undefined)) throw unusable('it has only one of certificate and key');
  if (token === undefined && cert === undefined) throw unusable('it has neither a token nor a certificate with key');
  const expiration = text('expirationTimestamp');
  const expires = expiration === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiration);
  if (Number.isNaN(expires)) throw unusable('its status.expirationTimestamp is no time');
  const credential = {
    ...(token !== undefined && { token }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
  };
  return { credential, expires };
}

function parsed(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    try {
      // kubectl takes YAML too.
      return parse(output, { logLevel: 'silent' });
    } catch {
      return undefined;
    }
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function failure(command: string, problem: string, cause?: unknown): ConnectionError {
  return new ConnectionError('credentials', `the credential program ${command} ${problem}`, { cause });
}
