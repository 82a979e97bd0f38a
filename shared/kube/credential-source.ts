import { readFile } from 'node:fs/promises';
import type { JsonObject } from '../api/kubernetes-object.ts';
import type { Clock } from './clock.ts';
import type { Connection, CredentialHelper, Material } from './connection.ts';
import { ConnectionError } from './connection-error.ts';

/** What one request authenticates with, and whom it trusts; PEM text. */
export type CurrentCredentials = {
  readonly authorization?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
};

/** Credentials as they are now: files and helpers are asked again as time passes, not on every request. */
export class CredentialSource {
  readonly #connection: Connection;
  readonly #clock: Clock;
  #current: { readonly at: number; readonly credentials: Promise<CurrentCredentials> } | undefined;
  #helper: Promise<Helper> | undefined;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  current(): Promise<CurrentCredentials> {
    const now = this.#clock.now();
    if (this.#current === undefined || now - this.#current.at > freshForMs) {
      const credentials = this.#read();
      this.#current = { at: now, credentials };
      // A file that can't be read now may be readable for the next request.
      credentials.catch(() => {
        this.#current = undefined;
      });
    }
    return this.#current.credentials;
  }

  /** Asks files and helpers anew, because the server refused what we had; false when nothing can change. */
  refresh(): boolean {
    const { tokenFile, helper, cert, key } = this.#connection.credentials;
    this.#current = undefined;
    this.#helper = undefined;
    return (
      [tokenFile, helper].some((source) => source !== undefined) || [cert, key].some((pem) => pem && 'file' in pem)
    );
  }

  async #read(): Promise<CurrentCredentials> {
    const { tls, credentials } = this.#connection;
    const [ca, cert, key, authorization] = await Promise.all([
      pemOf(tls.ca, 'certificate authority'),
      pemOf(credentials.cert, 'client certificate'),
      pemOf(credentials.key, 'client key'),
      this.#authorization(),
    ]);
    const helper = credentials.helper === undefined ? {} : await this.#fromHelper(credentials.helper);
    return {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(authorization !== undefined && { authorization }),
      ...helper,
    };
  }

  async #authorization(): Promise<string | undefined> {
    const { token, tokenFile, basic } = this.#connection.credentials;
    if (tokenFile !== undefined) {
      try {
        return bearer(await readFile(tokenFile, 'utf8'), tokenFile);
      } catch (error) {
        if (token === undefined) throw unreadable('token', tokenFile, error);
      }
    }
    if (token !== undefined) return bearer(token, 'the kubeconfig or --token');
    if (basic === undefined) return undefined;
    return `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`;
  }

  async #fromHelper(helper: CredentialHelper): Promise<CurrentCredentials> {
    this.#helper ??= openHelper(helper, this.#connection.server);
    const what = helper.helper === 'exec' ? `program ${String(helper.exec.command)}` : `provider ${helper.name}`;
    try {
      return await (await this.#helper)();
    } catch (error) {
      const words = error instanceof Error ? error.message.trim().split('\n').slice(0, 3).join('; ') : String(error);
      throw new ConnectionError('credentials', `the credential ${what} failed: ${words || 'it said nothing'}`, {
        cause: error,
      });
    }
  }
}

// Tokens of pods are renewed an hour before they end, certificates earlier still: seconds are soon enough.
const freshForMs = 10_000;

type Helper = () => Promise<CurrentCredentials>;

/**
 * Lets @kubernetes/client-node run the program or provider. It is imported only here and only then: it costs about
 * 100 ms and 90 MB. It keeps a credential until the credential's own end.
 */
async function openHelper(helper: CredentialHelper, server: string): Promise<Helper> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const user =
    helper.helper === 'exec'
      ? { name: 'user', exec: withClusterInfo(helper.exec, helper.cluster, server) }
      : { name: 'user', authProvider: { name: helper.name, config: helper.config } };
  config.loadFromClusterAndUser({ name: 'cluster', server, skipTLSVerify: false }, user);
  return async () => {
    const options: { headers: Record<string, unknown>; cert?: unknown; key?: unknown } = { headers: {} };
    await config.applyToHTTPSOptions(options as Parameters<typeof config.applyToHTTPSOptions>[0]);
    const { Authorization: authorization } = options.headers;
    return {
      ...(typeof authorization === 'string' && { authorization }),
      ...(isPem(options.cert) && { cert: options.cert.toString() }),
      ...(isPem(options.key) && { key: options.key.toString() }),
    };
  };
}

/** client-node never sets KUBERNETES_EXEC_INFO, which programs may rely on. */
function withClusterInfo(exec: JsonObject, cluster: JsonObject, server: string): JsonObject {
  const spec = {
    interactive: false,
    ...(exec.provideClusterInfo === true && { cluster: { ...cluster, server } }),
  };
  const info = { apiVersion: exec.apiVersion ?? 'client.authentication.k8s.io/v1', kind: 'ExecCredential', spec };
  const env = Array.isArray(exec.env) ? exec.env : [];
  return { ...exec, env: [...env, { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }] };
}

function isPem(value: unknown): value is string | Buffer {
  return (typeof value === 'string' || Buffer.isBuffer(value)) && value.length > 0;
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
  const trimmed = token.trim();
  // Never the token itself: what is odd about it may be one wrong character in a working secret.
  if (!/^[\x21-\x7e]+$/.test(trimmed)) {
    throw new ConnectionError('credentials', `the token of ${from} is empty or has characters that no token has`);
  }
  return `Bearer ${trimmed}`;
}
