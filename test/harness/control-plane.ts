import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CertificateAuthority, type KeyPair } from './control-plane/certificate-authority.ts';
import { findBinaries } from './control-plane/find-binaries.ts';
import { kubeconfig } from './control-plane/kubeconfig.ts';
import { PortTakenError, Server } from './control-plane/server.ts';
import { Watchdog } from './control-plane/watchdog.ts';
import { RawClient } from './raw-client.ts';

export type ControlPlaneOptions = {
  /** Users with a static token, each with its groups, beside `admin` and those without groups in {@link defaultUsers}. */
  users?: Readonly<Record<string, readonly string[]>>;
  /** Added to the API server's command line, as in `--feature-gates=…`. */
  apiServerArgs?: readonly string[];
  /** Stops everything when it aborts, also half-way through the start. */
  signal?: AbortSignal;
  /** Told what is going on while binaries are fetched or built. */
  log?: (line: string) => void;
};

/** Users that exist on every control plane, without groups or rights of their own. */
export const defaultUsers = { viewer: [], author: [], controller: [], nobody: [] } as const;

/**
 * A real etcd, kube-apiserver and kubectl, ready in about two seconds and gone when this process is, however it ends.
 * RBAC is on, as are bearer tokens and client certificates; every request is in the audit log. There are no
 * controllers: a namespace's ServiceAccount, garbage collection and the like don't happen.
 */
export async function startControlPlane({
  users = {},
  apiServerArgs = [],
  signal,
  log,
}: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const binDir = await findBinaries(log === undefined ? {} : { log });
  signal?.throwIfAborted();
  const directory = await mkdtemp(path.join(tmpdir(), 'virt-platform-'));
  const controlPlane = new ControlPlane({ binDir, directory, users: { ...defaultUsers, ...users }, apiServerArgs });
  const stop = () => void controlPlane.stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await controlPlane.start();
    signal?.throwIfAborted();
    return controlPlane;
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}

export class ControlPlane {
  /** The folder of etcd, kube-apiserver and kubectl. */
  readonly binDir: string;
  /** The real kubectl. */
  readonly kubectl: string;
  /** Everything this control plane writes; removed when it stops. */
  readonly directory: string;
  /** One JSON event a line, level Metadata: who asked for what, and the answer's code. */
  readonly auditLog: string;
  /** The API server's certificate authority, PEM, and the file that holds it. */
  readonly ca: string;
  readonly caFile: string;
  /** Of the user `admin` in `system:masters`. */
  readonly adminToken = randomUUID();

  readonly #watchdog: Watchdog;
  readonly #authority = new CertificateAuthority('virt-platform test CA');
  readonly #tokens = new Map<string, string>();
  readonly #users: Readonly<Record<string, readonly string[]>>;
  readonly #apiServerArgs: readonly string[];
  #etcd: Server | undefined;
  #etcdPort = 0;
  #apiServer: Server | undefined;
  #port = 0;
  #kubeconfigs = 0;
  #adminKubeconfig = '';
  #client: RawClient | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: {
    binDir: string;
    directory: string;
    users: Readonly<Record<string, readonly string[]>>;
    apiServerArgs: readonly string[];
  }) {
    this.binDir = options.binDir;
    this.kubectl = path.join(options.binDir, 'kubectl');
    this.directory = options.directory;
    this.auditLog = this.#file('audit.log');
    this.caFile = this.#file('ca.crt');
    this.ca = this.#authority.certificate;
    this.#users = options.users;
    this.#apiServerArgs = options.apiServerArgs;
    this.#watchdog = new Watchdog(options.directory);
  }

  /** As in `https://127.0.0.1:34567`. */
  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** Path of the kubeconfig of `admin`. */
  get kubeconfig(): string {
    return this.#adminKubeconfig;
  }

  /** Makes requests as `admin`, or as whom each request says. */
  get client(): RawClient {
    if (this.#client === undefined) throw new Error('The control plane has not started yet.');
    return this.#client;
  }

  get pids(): number[] {
    return [this.#etcd?.pid, this.#apiServer?.pid].filter((pid) => pid !== undefined);
  }

  /** The static token of a user named in {@link ControlPlaneOptions.users} or {@link defaultUsers}. */
  token(user: string): string {
    const token = user === 'admin' ? this.adminToken : this.#tokens.get(user);
    if (token === undefined) {
      throw new Error(`No static token for ${user}; there are: admin, ${[...this.#tokens.keys()].join(', ')}.`);
    }
    return token;
  }

  /** A client certificate for any user in any groups; the user need not be known beforehand. */
  clientCertificate(user: string, groups: readonly string[] = []): KeyPair {
    return this.#authority.client({ commonName: user, organizations: groups });
  }

  /**
   * Writes a kubeconfig for a user and returns its path. Without `groups` a known user gets its static token;
   * everybody else a client certificate.
   */
  async user(name: string, groups?: readonly string[]): Promise<string> {
    const token = name === 'admin' ? this.adminToken : this.#tokens.get(name);
    const credentials = groups === undefined && token !== undefined ? { token } : this.clientCertificate(name, groups);
    return this.kubeconfigWith(name, credentials);
  }

  /** Writes a kubeconfig with these credentials, such as a ServiceAccount's token, and returns its path. */
  async kubeconfigWith(user: string, credentials: { token: string } | KeyPair): Promise<string> {
    this.#kubeconfigs += 1;
    const file = this.#file(`kubeconfig-${this.#kubeconfigs}.yaml`);
    const content = kubeconfig({ url: this.url, certificateAuthority: this.ca, user, credentials });
    await writeFile(file, content, { mode: 0o600 });
    return file;
  }

  /** Called once, by {@link startControlPlane}. */
  async start(): Promise<void> {
    await this.#writeFiles();
    await withFreshPort(async (port) => {
      this.#etcdPort = port;
      await this.#startEtcd();
    });
    await withFreshPort(async (port) => {
      this.#port = port;
      await this.startApiServer();
    });
    this.#adminKubeconfig = await this.user('admin');
  }

  /** Starts the API server again after {@link stopApiServer}, at the same address. */
  async startApiServer(): Promise<void> {
    this.#client?.close();
    const client = new RawClient({ url: this.url, ca: this.ca, tokenOf: (user) => this.#tokenOf(user) });
    this.#client = client;
    this.#apiServer = this.#spawn('kube-apiserver', this.#apiServerCommandLine());
    try {
      await this.#apiServer.ready(async () => {
        // The default namespace is made by a loop that starts after /readyz says yes.
        const [ready, namespace] = await Promise.all([
          client.request('GET', '/readyz'),
          client.request('GET', '/api/v1/namespaces/default'),
        ]);
        return ready.status === 200 && namespace.status === 200;
      });
    } catch (error) {
      await this.#apiServer.kill();
      throw error;
    }
  }

  /** Kills the API server and leaves etcd: for tests of what happens when it goes away. */
  async stopApiServer(): Promise<void> {
    await this.#apiServer?.kill();
  }

  /** Kills etcd, and leaves the API server without its storage. */
  async stopEtcd(): Promise<void> {
    await this.#etcd?.kill();
  }

  /** Starts etcd again after {@link stopEtcd}, at the same address and with what it held. */
  async startEtcd(): Promise<void> {
    await this.#startEtcd();
  }

  /** As in `http://127.0.0.1:34568`. */
  get etcdUrl(): string {
    return `http://127.0.0.1:${this.#etcdPort}`;
  }

  /** Ends every process and removes every file; more than one call is one. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#client?.close();
    await Promise.all([this.#apiServer?.kill(), this.#etcd?.kill()]);
    await this.#watchdog.release();
  }

  #tokenOf(user: string): string | undefined {
    return user === 'admin' ? this.adminToken : this.#tokens.get(user);
  }

  async #writeFiles(): Promise<void> {
    const serving = this.#authority.server();
    // Signs the tokens of ServiceAccounts.
    const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const rows = [[this.adminToken, 'admin', 'admin', '"system:masters"']];
    for (const [user, groups] of Object.entries(this.#users)) {
      const token = randomUUID();
      this.#tokens.set(user, token);
      rows.push([token, user, user, `"${groups.join(',')}"`]);
    }
    const files = {
      'ca.crt': this.ca,
      'serving.crt': serving.certificate,
      'serving.key': serving.key,
      'service-accounts.key': signing.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      'service-accounts.pub': signing.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      'tokens.csv': `${rows.map((row) => row.join(',')).join('\n')}\n`,
      'audit-policy.json': JSON.stringify({
        apiVersion: 'audit.k8s.io/v1',
        kind: 'Policy',
        omitStages: ['RequestReceived'],
        rules: [{ level: 'Metadata' }],
      }),
    };
    await Promise.all(
      Object.entries(files).map(([name, content]) => writeFile(this.#file(name), content, { mode: 0o600 })),
    );
  }

  async #startEtcd(): Promise<void> {
    const url = this.etcdUrl;
    this.#etcd = this.#spawn('etcd', [
      `--data-dir=${this.#file(`etcd-${this.#etcdPort}`)}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      // A single member has no peers; port 0 is any free one.
      '--listen-peer-urls=http://127.0.0.1:0',
      '--unsafe-no-fsync',
      '--log-level=warn',
    ]);
    try {
      await this.#etcd.ready(async () => (await fetch(`${url}/readyz`)).ok);
    } catch (error) {
      await this.#etcd.kill();
      throw error;
    }
  }

  #apiServerCommandLine(): string[] {
    return [
      `--etcd-servers=${this.etcdUrl}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      '--endpoint-reconciler-type=none',
      `--secure-port=${this.#port}`,
      `--tls-cert-file=${this.#file('serving.crt')}`,
      `--tls-private-key-file=${this.#file('serving.key')}`,
      `--client-ca-file=${this.caFile}`,
      `--token-auth-file=${this.#file('tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${this.#file('service-accounts.pub')}`,
      `--service-account-signing-key-file=${this.#file('service-accounts.key')}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      // It refuses pods until a controller, which isn't here, has made the namespace's default ServiceAccount.
      '--disable-admission-plugins=ServiceAccount',
      `--audit-policy-file=${this.#file('audit-policy.json')}`,
      `--audit-log-path=${this.auditLog}`,
      ...this.#apiServerArgs,
    ];
  }

  #spawn(name: string, args: readonly string[]): Server {
    if (this.#stopped !== undefined) throw new Error('The control plane was stopped.');
    return new Server(name, {
      command: path.join(this.binDir, name),
      args,
      logFile: this.#file(`${name}.log`),
      watchdog: this.#watchdog,
    });
  }

  #file(name: string): string {
    return path.join(this.directory, name);
  }
}

/** Calls `start` with a free port, and with another when that was taken in between. */
async function withFreshPort(start: (port: number) => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === 5) throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.');
  return address.port;
}
