import { execFile } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import type { AnyObject, Cluster } from '../helpers/cluster.ts';

type Ran = { readonly stdout: string; readonly stderr: string; readonly code: number };

/** The plugin failed as it should: nothing on stdout, one line on stderr, exit code 2. */
export function failsWith(t: ExecutionContext, { stdout, stderr, code }: Ran, message: RegExp): void {
  t.regex(stderr, message);
  t.regex(stderr, /^(?:error: |Error from server \()[^\n]+\n$/, 'exactly one line');
  t.is(stdout, '');
  t.is(code, 2);
}

/** It worked, and said nothing beside its data. */
export function succeeds(t: ExecutionContext, { stderr, code }: Ran): void {
  t.is(stderr, '');
  t.is(code, 0);
}

/** The namespaces of an OpenShift cluster that assets live in. */
export async function makeNamespaces(cluster: Cluster): Promise<void> {
  const names = ['openshift-cnv', 'openshift-kube-descheduler-operator', 'openshift-monitoring'];
  await cluster.apply(names.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
}

/** The user `viewer` may read everything, and write nothing. */
export async function letViewerRead(cluster: Cluster): Promise<void> {
  await cluster.allow('viewer', 'reads-everything', [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list'] }]);
}

/** HyperConverged with these annotations of ours. */
export function hyperConverged(annotations: Record<string, string> = {}, namespace = 'openshift-cnv'): AnyObject {
  return {
    apiVersion: 'hco.kubevirt.io/v1',
    kind: 'HyperConverged',
    metadata: { name: 'kubevirt-hyperconverged', namespace, annotations },
    spec: {},
  };
}

export const activated = { 'platform.kubevirt.io/autopilot': 'true' };

/** The rows of a table as lists of cells; the header is the first. */
export function rowsOf(text: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith('ASSET'));
  const end = lines.indexOf('', start);
  return lines.slice(start, end).map((line) => line.split(/ {3,}/));
}

/** Runs a command that was suggested, as somebody who copies it into a shell. */
export async function runInShell(t: ExecutionContext, cluster: Cluster, command: string | undefined): Promise<void> {
  t.truthy(command, 'there is a command');
  const { binDir, kubeconfig } = cluster.controlPlane;
  const PATH = [binDir, path.resolve('plugin'), process.env.PATH].join(path.delimiter);
  await promisify(execFile)('sh', ['-c', command ?? ''], {
    env: { PATH, KUBECONFIG: kubeconfig, HOME: '/nonexistent' },
  });
}
