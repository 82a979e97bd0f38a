import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestFn } from 'ava';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../harness/control-plane.ts';
import { type CrdSet, hasRealCrds, installCrds } from '../harness/install-crds.ts';
import type {
  Answer,
  AnyObject,
  ApplyOptions,
  As,
  ObjectId,
  PatchType,
  RequestOptions,
} from '../harness/raw-client.ts';

export { waitFor } from '../harness/wait-for.ts';
export type { Answer, AnyObject, As, ObjectId };

const root = path.resolve(import.meta.dirname, '../..');

export type ClusterOptions = Pick<ControlPlaneOptions, 'users' | 'apiServerArgs'> & {
  /**
   * Which CRDs are there before the first test. Default: what the run is about, `own` or `real` (the suite runs on
   * both where the upstream definitions are at hand).
   */
  crds?: CrdSet | 'none';
};

/**
 * A control plane of its own for one test file: started before the first test, gone after the last.
 *
 * ```ts
 * const cluster = useCluster(test);
 *
 * test('a viewer may not write', async (t) => {
 *   await cluster.apply('{apiVersion: v1, kind: Namespace, metadata: {name: somewhere}}');
 *   const { code, stderr } = await cluster.kubectl(['delete', 'namespace', 'somewhere'], { as: 'viewer' });
 *   t.is(code, 1);
 *   t.regex(stderr, /Forbidden/);
 * });
 * ```
 *
 * Tests of one file share it: let each use names of its own, or `test.serial`.
 */
export function useCluster<Context>(test: TestFn<Context>, options: ClusterOptions = {}): Cluster {
  const cluster = new Cluster();
  // In series, so that a file's own hooks find it running.
  test.serial.before('a control plane starts', async (t) => {
    t.timeout(120_000, 'the control plane and its CRDs should be there by now');
    await cluster.start(options);
  });
  test.after.always('the control plane stops', () => cluster.stop());
  return cluster;
}

/** Everything but `start` and `stop` is for use inside tests, when the control plane is up. */
export class Cluster {
  #controlPlane: ControlPlane | undefined;

  /** The thing itself: `url`, `kubeconfig`, `ca`, `adminToken`, `token(user)`, `auditLog`, `stopApiServer()`, … */
  get controlPlane(): ControlPlane {
    if (this.#controlPlane === undefined) throw new Error('The cluster starts in test.before: use it inside a test.');
    return this.#controlPlane;
  }

  /** Path of the kubeconfig of `admin`, who may do everything. */
  get kubeconfig(): string {
    return this.controlPlane.kubeconfig;
  }

  async start({ crds = defaultCrds(), ...options }: ClusterOptions = {}): Promise<void> {
    this.#controlPlane = await startControlPlane(options);
    if (crds !== 'none') await this.installCrds(crds);
  }

  async stop(): Promise<void> {
    await this.#controlPlane?.stop();
  }

  /**
   * Writes a kubeconfig for a user and returns its path. `viewer`, `author`, `controller`, `nobody` have a static
   * token; any other name, or any name with groups, gets a client certificate. Nobody but `admin` has rights until a
   * test grants some.
   */
  user(name: string, groups?: readonly string[]): Promise<string> {
    return this.controlPlane.user(name, groups);
  }

  /** A token for a ServiceAccount that exists, from the API server itself; for `{ as: { token } }`. */
  async serviceAccountToken(namespace: string, name: string): Promise<string> {
    const { status, body } = await this.request(
      'POST',
      `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
      {
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
      },
    );
    if (status !== 201) throw new Error(`No token for ServiceAccount ${namespace}/${name}: ${body.message}`);
    return body.status.token;
  }

  /** Path of a kubeconfig of a ServiceAccount that exists. */
  async serviceAccount(namespace: string, name: string): Promise<string> {
    const token = await this.serviceAccountToken(namespace, name);
    return this.controlPlane.kubeconfigWith(`${namespace}-${name}`, { token });
  }

  /** Lets a user do something everywhere, by a ClusterRole and a binding of that name. */
  async allow(user: string, name: string, rules: readonly object[]): Promise<void> {
    const group = 'rbac.authorization.k8s.io';
    const apiVersion = `${group}/v1`;
    await this.apply([
      { apiVersion, kind: 'ClusterRole', metadata: { name }, rules },
      {
        apiVersion,
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef: { apiGroup: group, kind: 'ClusterRole', name },
        subjects: [{ apiGroup: group, kind: 'User', name: user }],
      },
    ]);
  }

  /** Applies server-side, all at once, as field manager `test` and with force unless told otherwise; the stored objects. */
  apply(manifests: string | AnyObject | readonly AnyObject[], options?: ApplyOptions): Promise<AnyObject[]> {
    return this.controlPlane.client.apply(manifests, options);
  }

  /** Creates by POST. */
  create(object: AnyObject, options?: { manager?: string; as?: As }): Promise<AnyObject> {
    return this.controlPlane.client.create(object, options);
  }

  /** The object, or undefined when there is none. */
  get(id: ObjectId, options?: { as?: As }): Promise<AnyObject | undefined> {
    return this.controlPlane.client.get(id, options);
  }

  /** The objects of a kind; `query` is for instance `labelSelector=a%3Db`. */
  list(
    kind: { apiVersion: string; kind: string; namespace?: string },
    options?: { as?: As; query?: string },
  ): Promise<AnyObject[]> {
    return this.controlPlane.client.list(kind, options);
  }

  /** A merge patch unless `type` says otherwise; as field manager `test` unless told otherwise. */
  patch(
    id: ObjectId,
    patch: unknown,
    options?: { type?: PatchType; manager?: string; subresource?: string; as?: As },
  ): Promise<AnyObject> {
    return this.controlPlane.client.patch(id, patch, options);
  }

  /** Whether there was something to delete. */
  delete(id: ObjectId, options?: { as?: As }): Promise<boolean> {
    return this.controlPlane.client.delete(id, options);
  }

  /** Any request; the answer as it came, whatever its status. `path` starts with `/api` or `/apis`. */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer> {
    return this.controlPlane.client.request(method, path, options);
  }

  /** Installs CRDs, all of a set or those named, and waits until they are served. */
  installCrds(set: CrdSet = defaultCrds(), options?: { only?: readonly string[] }): Promise<string[]> {
    return installCrds(this.controlPlane.client, set, options);
  }

  /**
   * Runs the real kubectl, with our plugin on its PATH, a HOME of its own, and no other environment than what it needs
   * and what `env` adds. `as` is a user known to {@link user}, or a kubeconfig's path; `within` the words of a program
   * that runs the command behind them.
   */
  async kubectl(
    args: readonly string[],
    { stdin = '', env = {}, as = 'admin', cwd, within = [] }: KubectlOptions = {},
  ): Promise<{ stdout: string; stderr: string; code: number }> {
    const { binDir, directory, kubectl } = this.controlPlane;
    const home = path.join(directory, 'home');
    await mkdir(home, { recursive: true });
    const [program = kubectl, ...words] = [...within, kubectl, ...args];
    const child = spawn(program, words, {
      cwd: cwd ?? home,
      env: {
        PATH: [binDir, path.join(root, 'plugin'), path.dirname(process.execPath), process.env.PATH].join(
          path.delimiter,
        ),
        HOME: home,
        TMPDIR: directory,
        KUBECONFIG: path.isAbsolute(as) ? as : await this.#kubeconfigOf(as),
        ...(process.env.NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE: process.env.NODE_V8_COVERAGE }),
        ...env,
      },
    });
    const exit = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? -1));
    });
    // A kubectl that doesn't read its input may be gone before all of it is written.
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
    return { stdout, stderr, code };
  }

  readonly #kubeconfigs = new Map<string, Promise<string>>();

  #kubeconfigOf(user: string): Promise<string> {
    const known = this.#kubeconfigs.get(user) ?? this.user(user);
    this.#kubeconfigs.set(user, known);
    return known;
  }
}

export type KubectlOptions = {
  stdin?: string;
  env?: Readonly<Record<string, string>>;
  as?: string;
  cwd?: string;
  within?: readonly string[];
};

function defaultCrds(): CrdSet {
  return process.env.VIRT_PLATFORM_TEST_CRDS === 'real' && hasRealCrds() ? 'real' : 'own';
}
