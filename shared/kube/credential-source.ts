import { readFile } from 'node:fs/promises';
import type { Clock } from './clock.ts';
import type { Connection, Material } from './connection.ts';
import { ConnectionError } from './connection-error.ts';
import { type ExecCredential, ExecCredentials, type ExecTerminal } from './exec-credential.ts';

/** What one request authenticates with, and whom it trusts; PEM text. */
export type CurrentCredentials = {
  readonly authorization?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** What of it a program gave. */
  readonly issued?: ExecCredential;
};

/** Credentials as they are now: files and programs are asked again as time passes, not on every request. */
export class CredentialSource {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #terminal: ExecTerminal;
  readonly #exec: ExecCredentials | undefined;
  #files: { readonly at: number; readonly credentials: Promise<CurrentCredentials> } | undefined;

  constructor(connection: Connection, clock: Clock, terminal: ExecTerminal = {}) {
    const { exec } = connection.credentials;
    this.#connection = connection;
    this.#clock = clock;
    this.#terminal = terminal;
    this.#exec = exec === undefined ? undefined : new ExecCredentials(exec);
  }

  async current(): Promise<CurrentCredentials> {
    const given = await this.#given();
    if (this.#exec === undefined) return given;
    const issued = await this.#exec.current({ ...this.#terminal, date: this.#clock.date, ca: given.ca });
    const { token, cert, key } = issued;
    const program = `the program ${this.#connection.credentials.exec?.command}`;
    return {
      ...given,
      issued,
      ...(token !== undefined && { authorization: bearer(token, program) }),
      ...(cert !== undefined && key !== undefined && { cert, key }),
    };
  }

  /** Asks files and programs anew, because the server refused what we had; false when nothing can change. */
  refresh(refused: CurrentCredentials): boolean {
    const { tokenFile, cert, key } = this.#connection.credentials;
    if (refused.issued !== undefined) this.#exec?.refuse(refused.issued);
    this.#files = undefined;
    return (
      this.#exec !== undefined ||
      tokenFile !== undefined ||
      [cert, key].some((pem) => pem !== undefined && 'file' in pem)
    );
  }

  /** Ends a program that runs. */
  close(): void {
    this.#exec?.close();
  }

  #given(): Promise<CurrentCredentials> {
    const now = this.#clock.now();
    if (this.#files === undefined || now - this.#files.at > freshForMs) {
      const credentials = this.#read();
      this.#files = { at: now, credentials };
      // A file that can't be read now may be readable for the next request.
      credentials.catch(() => {
        this.#files = undefined;
      });
    }
    return this.#files.credentials;
  }

  async #read(): Promise<CurrentCredentials> {
    const { tls, credentials } = this.#connection;
    const [ca, cert, key, authorization] = await Promise.all([
      pemOf(tls.ca, 'certificate authority'),
      pemOf(credentials.cert, 'client certificate'),
      pemOf(credentials.key, 'client key'),
      this.#authorization(),
    ]);
    return {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(authorization !== undefined && { authorization }),
    };
  }

  async #authorization(): Promise<string | undefined> {
    const { token, tokenFile, basic, idToken } = this.#connection.credentials;
    if (tokenFile !== undefined) {
      try {
        return bearer((await readFile(tokenFile, 'utf8')).trim(), tokenFile);
      } catch (error) {
        if (token === undefined) throw unreadable('token', tokenFile, error);
      }
    }
    if (token !== undefined) return bearer(token, 'the kubeconfig or --token');
    if (basic !== undefined) return `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`;
    return idToken === undefined ? undefined : bearer(this.#valid(idToken), 'the auth-provider');
  }

  /** Renewing one here would burn the refresh token that kubectl has in its file. */
  #valid(idToken: string): string {
    if (endOf(idToken) > this.#clock.date() + aboutToEndMs) return idToken;
    throw new ConnectionError(
      'credentials',
      'the id-token of the auth-provider has ended: let kubectl renew it, as in "kubectl version", or log in again',
    );
  }
}

// Tokens of pods are renewed an hour before they end, certificates earlier still: seconds are soon enough.
const freshForMs = 10_000;
// As in kubectl.
const aboutToEndMs = 10_000;

/** When a JSON web token ends, in milliseconds since 1970; 0 for what is none. */
function endOf(token: string): number {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof exp === 'number' ? exp * 1000 : 0;
  } catch {
    return 0;
  }
}

async function pemOf(material: Material | undefined, what: string): Promise<string | undefined> {
  if (material === undefined) return undefined;
  if ('data' in material) return material.data;
  try {
    return await readFile(material.file, 'utf8');
  } catch (error) {
    throw unreadable(what, material.file, error);
  }
}

function unreadable(what: string, file: string, error: unknown): ConnectionError {
  if (error instanceof ConnectionError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new ConnectionError('credentials', `could not read the ${what} ${file}: ${code}`, { cause: error });
}

function bearer(token: string, from: string): string {
  // Never the token itself: what is odd about it may be one wrong character in a working secret.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new ConnectionError(
      'credentials',
      `the token of ${from} is empty or has blanks or other characters that no token has`,
    );
  }
  return `Bearer ${token}`;
}
