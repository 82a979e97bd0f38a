import type { JsonObject } from '../api/kubernetes-object.ts';
import { KubeconfigError } from './kubeconfig-error.ts';
import type { ExecEntry } from './kubeconfig-file.ts';

/** A program that gives credentials, checked and complete: what is needed to run it, and nothing else. Plain data. */
export type ExecProgram = {
  readonly apiVersion: string;
  /** A path, or a bare name that is looked up in the PATH of {@link ExecProgram.searchPath}. */
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment it runs in, but for `KUBERNETES_EXEC_INFO`. */
  readonly env: Readonly<Record<string, string>>;
  /** Our own PATH: as in kubectl, not the one that the kubeconfig may set for the program. */
  readonly searchPath: string;
  readonly interactiveMode: 'Never' | 'IfAvailable' | 'Always';
  /** What to tell who hasn't installed it. */
  readonly installHint?: string;
  /** What it is told of the cluster, but for the certificate authority; absent when it doesn't ask. */
  readonly cluster?: JsonObject;
};

/**
 * Checks a user's `exec` as kubectl does.
 *
 * @throws KubeconfigError naming the user and the field.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export function execProgram(
  exec: ExecEntry,
  user: string,
  env: Readonly<Record<string, string | undefined>>,
  cluster: JsonObject,
): ExecProgram {
  const wrong = (problem: string) => new KubeconfigError(`the exec of user "${user}" ${problem}`);
  const { apiVersion, command, args, installHint } = exec;
  if (command === undefined) throw wrong('has no command: add it');
  if (apiVersion === undefined) throw wrong(`has no apiVersion: add ${versions[0]}`);
  if (!versions.includes(apiVersion)) {
    throw wrong(`has the apiVersion "${apiVersion}", which nothing supports: expected ${versions.join(' or ')}`);
  }
  if (exec.env.some(({ name }) => name === undefined)) throw wrong('has an env variable without a name: add it');
  // The older version came before the field, the newer one demands it.
  const interactiveMode = exec.interactiveMode ?? (apiVersion === versions[1] ? 'IfAvailable' : undefined);
  if (interactiveMode === undefined) throw wrong(`has no interactiveMode: add one of ${modes.join(', ')}`);
  if (!isMode(interactiveMode)) {
    throw wrong(`has the interactiveMode "${interactiveMode}": expected one of ${modes.join(', ')}`);
  }
  const own = exec.env.map(({ name, value }) => [name ?? '', value ?? '']);
  const inherited = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    apiVersion,
    command,
    args,
    env: { ...Object.fromEntries(inherited), ...Object.fromEntries(own) },
    searchPath: env.PATH ?? env.Path ?? '',
    interactiveMode,
    ...(installHint !== undefined && { installHint }),
    ...(exec.provideClusterInfo && { cluster }),
  };
}

const versions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];
const modes = ['Never', 'IfAvailable', 'Always'] as const;

function isMode(mode: string): mode is (typeof modes)[number] {
  return (modes as readonly string[]).includes(mode);
}
