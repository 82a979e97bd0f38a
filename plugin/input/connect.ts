import type { Cluster, ClusterOptions } from '../../shared/kube/client.ts';
import type { Connection } from '../../shared/kube/connection.ts';
import type { Arguments } from '../arguments.ts';
import { buildInfo, goPlatform } from '../build-info.ts';
import { parseDuration } from '../duration.ts';
import type { Environment } from '../environment.ts';
import type { Messages } from '../output/messages.ts';
import { shellWord } from '../output/shell-word.ts';

/**
 * The cluster that flags, environment and kubeconfig name. The Kubernetes client is loaded only here, so that what
 * works on files never pays for it, and can't reach a network.
 */
export async function connect(args: Arguments, environment: Environment, messages: Messages): Promise<Cluster> {
  const [{ connection, options }, { openCluster }] = await Promise.all([
    connectionFor(args, environment, messages),
    import('../../shared/kube/client.ts'),
  ]);
  return openCluster(connection, options);
}

/** What {@link connect} opens a cluster with, for those who open another kind of it. */
export async function connectionFor(
  args: Arguments,
  environment: Environment,
  messages: Messages,
): Promise<{ readonly connection: Connection; readonly options: ClusterOptions }> {
  const requestTimeout = args.text('request-timeout');
  const requestTimeoutMs = requestTimeout === undefined ? undefined : parseDuration('request-timeout', requestTimeout);
  const { loadKubeconfig } = await import('../../shared/kube/kubeconfig.ts');
  const connection = loadKubeconfig({
    env: environment.variables,
    kubeconfig: args.text('kubeconfig'),
    context: args.text('context'),
    cluster: args.text('cluster'),
    user: args.text('user'),
    namespace: args.text('namespace'),
    server: args.text('server'),
    token: args.text('token'),
    tlsServerName: args.text('tls-server-name'),
    insecureSkipTlsVerify: args.isOn('insecure-skip-tls-verify') || undefined,
    certificateAuthority: args.text('certificate-authority'),
    as: args.text('as'),
    asGroup: args.texts('as-group'),
    asUid: args.text('as-uid'),
  });
  const options: ClusterOptions = {
    userAgent: `kubectl-virt_platform/${buildInfo().gitVersion} (${goPlatform(environment)})`,
    onWarning: messages.warn,
    // A person waits, perhaps far from the cluster, where handshakes take most of the time. The variable is kubectl's.
    multiplexed: !environment.variables.DISABLE_HTTP2,
    signal: environment.signal,
    // Only files are read from standard input, and then there is no cluster: a program that gives credentials may ask.
    terminal: { isInteractive: environment.isStdinTerminal },
    kubectl: kubectlFor(args, connection),
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
  };
  return { connection, options };
}

/**
 * `kubectl` with what leads to this very cluster, for commands that are suggested: as the same user, or (`asSelf` false)
 * for somebody who may do more.
 */
export function kubectlFor(
  args: Arguments,
  connection?: Connection,
  { asSelf = true }: { asSelf?: boolean } = {},
): string {
  const who = [
    ...flag('user', args.text('user')),
    ...flag('as', args.text('as')),
    ...args.texts('as-group').flatMap((group) => flag('as-group', group)),
  ];
  const flags = [
    ...flag('kubeconfig', args.text('kubeconfig')),
    ...flag('context', connection?.context),
    ...flag('cluster', args.text('cluster')),
    ...flag('server', args.text('server')),
    ...(asSelf ? who : []),
  ];
  return ['kubectl', ...flags].join(' ');
}

function flag(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`--${name}=${shellWord(value)}`];
}
