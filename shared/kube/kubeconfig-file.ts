import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, resolve, sep } from 'node:path';
import { type ErrorCode, parseDocument, type ScalarTag } from 'yaml';
import type { Json, JsonObject } from '../api/kubernetes-object.ts';
import { KubeconfigError } from './kubeconfig-error.ts';

/** One kubeconfig file, checked; its relative paths are relative to nothing any more. */
export type KubeconfigFile = {
  readonly file: string;
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, ClusterEntry>;
  readonly users: ReadonlyMap<string, UserEntry>;
  readonly contexts: ReadonlyMap<string, ContextEntry>;
};

export type ContextEntry = {
  readonly cluster: string | undefined;
  readonly user: string | undefined;
  readonly namespace: string | undefined;
};

export type ClusterEntry = {
  readonly server: string | undefined;
  readonly ca: string | undefined;
  readonly caData: string | undefined;
  readonly insecure: boolean;
  readonly tlsServerName: string | undefined;
  readonly proxyUrl: string | undefined;
  readonly disableCompression: boolean;
  /** The extension that is meant for programs that give credentials. */
  readonly execConfig: Json | undefined;
};

export type UserEntry = {
  readonly cert: string | undefined;
  readonly certData: string | undefined;
  readonly key: string | undefined;
  readonly keyData: string | undefined;
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly as: string | undefined;
  readonly asUid: string | undefined;
  readonly asGroups: readonly string[];
  readonly asUserExtra: Readonly<Record<string, readonly string[]>>;
  readonly exec: ExecEntry | undefined;
  readonly authProvider: AuthProviderEntry | undefined;
};

export type ExecEntry = {
  readonly apiVersion: string | undefined;
  readonly command: string | undefined;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string | undefined; readonly value: string | undefined }[];
  readonly installHint: string | undefined;
  readonly provideClusterInfo: boolean;
  readonly interactiveMode: string | undefined;
};

export type AuthProviderEntry = {
  readonly name: string | undefined;
  readonly config: Readonly<Record<string, string>>;
};

/**
 * Reads one file as kubectl does: YAML or JSON, an entry's last of equal keys wins, equal names in a list are an error.
 *
 * @returns `undefined` when there is no such file.
 * @throws KubeconfigError for one that is there and can't be used.
 */
export function readKubeconfigFile(file: string): KubeconfigFile | undefined {
  const text = textOf(file);
  if (text === undefined) return undefined;

  const root = new Fields(parse(text, file), `kubeconfig ${file}`);
  const kind = root.string('kind');
  if (kind !== undefined && kind !== 'Config') {
    throw new KubeconfigError(`${file} is no kubeconfig: its kind is ${kind}, not Config`);
  }
  const apiVersion = root.string('apiVersion');
  if (apiVersion !== undefined && apiVersion !== 'v1') {
    throw new KubeconfigError(`${file} is no kubeconfig: its apiVersion is ${apiVersion}, not v1`);
  }
  const path = (value: string | undefined) =>
    value === undefined || isAbsolute(value) ? value : resolve(dirname(file), value);
  return {
    file,
    currentContext: root.string('current-context'),
    clusters: root.named('clusters', 'cluster', (cluster) => clusterEntry(cluster, path)),
    users: root.named('users', 'user', (user) => userEntry(user, path)),
    contexts: root.named('contexts', 'context', (context) => ({
      cluster: context.string('cluster'),
      user: context.string('user'),
      namespace: context.string('namespace'),
    })),
  };
}

// Ten thousand clusters fit; a disk image that was named by mistake doesn't.
const largestBytes = 32 * 1024 * 1024;

function textOf(file: string): string | undefined {
  try {
    const { size } = statSync(file);
    if (size > largestBytes) {
      throw new KubeconfigError(`${file} is no kubeconfig: it has ${size} bytes, more than ${largestBytes}`);
    }
    return decoded(readFileSync(file));
  } catch (error) {
    if (error instanceof KubeconfigError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const why = { EISDIR: 'it is a folder', EACCES: 'permission denied' }[code ?? ''] ?? code ?? String(error);
    throw new KubeconfigError(`could not read kubeconfig ${file}: ${why}`, { cause: error });
  }
}

/** Some shells write UTF-16, and say so with the first two bytes. */
function decoded(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex');
  const encoding = { fffe: 'utf-16le', feff: 'utf-16be' }[mark] ?? 'utf-8';
  // Takes the byte order mark away.
  return new TextDecoder(encoding).decode(bytes);
}

function parse(text: string, file: string): unknown {
  // JSON is YAML, but reading it as such takes a hundred times as long.
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text);
    } catch {
      // Flow-style YAML, or broken: the YAML parser says where.
    }
  }
  try {
    const document = parseDocument(text, {
      merge: true,
      uniqueKeys: false,
      logLevel: 'silent',
      customTags: (tags) => [...tags, oldBoolean],
    });
    const [error] = document.errors;
    if (error !== undefined) {
      const line = error.linePos?.[0].line ?? 1;
      throw new KubeconfigError(`${file}:${line}: kubeconfig is not valid YAML: ${yamlProblem(error)}`, {
        cause: error,
      });
    }
    return document.toJS();
  } catch (error) {
    if (error instanceof KubeconfigError) throw error;
    throw new KubeconfigError(`kubeconfig ${file} is not valid YAML: ${String(error).split('\n')[0]}`, {
      cause: error,
    });
  }
}

/** What YAML 1.1, and so kubectl, takes for a boolean besides, unless it is quoted. */
const oldBoolean: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:[yY]|[yY]es|YES|[oO]n|ON|[nN]|[nN]o|NO|[oO]ff|OFF)$/,
  resolve: (text) => /^(?:y|yes|on)$/i.test(text),
};

/** The parser's first line without its position, which we give as file and line. The text itself may hold secrets. */
function yamlProblem({ message, code }: { message: string; code: ErrorCode }): string {
  const line = message.split('\n')[0] ?? code;
  return line.replace(/ at line \d+, column \d+:?$/, '');
}

type ToPath = (value: string | undefined) => string | undefined;

function clusterEntry(cluster: Fields, path: ToPath): ClusterEntry {
  return {
    server: cluster.string('server'),
    ca: path(cluster.string('certificate-authority')),
    caData: cluster.string('certificate-authority-data'),
    insecure: cluster.boolean('insecure-skip-tls-verify'),
    tlsServerName: cluster.string('tls-server-name'),
    proxyUrl: cluster.string('proxy-url'),
    disableCompression: cluster.boolean('disable-compression'),
    execConfig: cluster
      .objects('extensions')
      .find((extension) => extension.string('name') === 'client.authentication.k8s.io/exec')
      ?.json().extension,
  };
}

function userEntry(user: Fields, path: ToPath): UserEntry {
  const exec = user.object('exec');
  const authProvider = user.object('auth-provider');
  return {
    cert: path(user.string('client-certificate')),
    certData: user.string('client-certificate-data'),
    key: path(user.string('client-key')),
    keyData: user.string('client-key-data'),
    token: user.string('token'),
    tokenFile: path(user.string('tokenFile')),
    username: user.string('username'),
    password: user.string('password'),
    as: user.string('as'),
    asUid: user.string('as-uid'),
    asGroups: user.strings('as-groups'),
    asUserExtra: user.stringLists('as-user-extra'),
    exec: exec && execEntry(exec, path),
    authProvider: authProvider && {
      name: authProvider.string('name'),
      config: authProvider.object('config')?.allStrings() ?? {},
    },
  };
}

function execEntry(exec: Fields, path: ToPath): ExecEntry {
  const command = exec.string('command');
  return {
    apiVersion: exec.string('apiVersion'),
    // A bare word is looked up in PATH; anything with a separator is relative to the file.
    command: command?.includes(sep) ? path(command) : command,
    args: exec.strings('args'),
    env: exec.objects('env').map((variable) => ({ name: variable.string('name'), value: variable.string('value') })),
    installHint: exec.string('installHint'),
    provideClusterInfo: exec.boolean('provideClusterInfo'),
    interactiveMode: exec.string('interactiveMode'),
  };
}

/** Reads the fields of one map and names file and field when one has another type than kubectl expects. */
class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #where: string;

  constructor(value: unknown, where: string) {
    this.#where = where;
    if (value !== null && value !== undefined && (typeof value !== 'object' || Array.isArray(value))) {
      throw this.#wrong('be a map', value);
    }
    this.#values = new Map(Object.entries(value ?? {}));
  }

  /** An empty string says as much as none, as in kubectl. */
  string(key: string): string | undefined {
    const value = this.#get(key);
    if (value === undefined || typeof value === 'string') return value || undefined;
    throw this.#wrong('be a string', value, key);
  }

  boolean(key: string): boolean {
    const value = this.#get(key);
    if (value === undefined || typeof value === 'boolean') return value ?? false;
    throw this.#wrong('be true or false', value, key);
  }

  strings(key: string): string[] {
    const value = this.#get(key) ?? [];
    if (!Array.isArray(value)) throw this.#wrong('be a list of strings', value, key);
    return value.map((item: unknown) => {
      // Nothing is as good as an empty one, as in kubectl.
      if (item === null || typeof item === 'string') return item ?? '';
      throw this.#wrong('hold only strings', item, key);
    });
  }

  stringLists(key: string): Record<string, readonly string[]> {
    const lists = this.object(key);
    if (lists === undefined) return {};
    return Object.fromEntries([...lists.#values.keys()].map((name) => [name, lists.strings(name)]));
  }

  object(key: string): Fields | undefined {
    const value = this.#get(key);
    return value === undefined ? undefined : new Fields(value, `${this.#where}, ${key}`);
  }

  objects(key: string): Fields[] {
    const items = this.#get(key) ?? [];
    if (!Array.isArray(items)) throw this.#wrong('be a list', items, key);
    return items.map((item, index) => new Fields(item, `${this.#where}, ${key}[${index}]`));
  }

  allStrings(): Record<string, string> {
    return Object.fromEntries([...this.#values.keys()].map((key) => [key, this.string(key) ?? '']));
  }

  /** A list of `{name, <key>: {…}}`, by name. */
  named<Entry>(list: string, key: string, entry: (fields: Fields) => Entry): Map<string, Entry> {
    const entries = new Map<string, Entry>();
    for (const fields of this.objects(list)) {
      const name = fields.string('name') ?? '';
      if (entries.has(name)) throw new KubeconfigError(`${this.#where}: ${list} has two entries named "${name}"`);
      entries.set(name, entry(fields.object(key) ?? new Fields({}, this.#where)));
    }
    return entries;
  }

  json(): JsonObject {
    return Object.fromEntries(this.#values) as JsonObject;
  }

  #get(key: string): unknown {
    return this.#values.get(key) ?? undefined;
  }

  /** Names the type, never the value: it may be a token. */
  #wrong(must: string, value: unknown, key?: string): KubeconfigError {
    const what = Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'a map' : `a ${typeof value}`;
    const field = key === undefined ? '' : ` ${key}`;
    const advice = must.includes('string') ? '; quote it if it is text' : '';
    return new KubeconfigError(`${this.#where}:${field} must ${must}, not ${what}${advice}`);
  }
}
