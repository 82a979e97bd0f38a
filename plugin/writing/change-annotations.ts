import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { formatObjectRef, type ObjectRef } from '../../shared/api/object-ref.ts';
import type { Cluster } from '../../shared/kube/client.ts';
import type { Arguments } from '../arguments.ts';
import type { Environment } from '../environment.ts';
import { catalogOf } from '../input/catalog.ts';
import { connectionFor } from '../input/connect.ts';
import { type Observed, observedOn } from '../input/observed.ts';
import { type ColourMode, painter } from '../output/colour.ts';
import { escapeText } from '../output/escape.ts';
import { type Messages, messagesTo } from '../output/messages.ts';
import { resourceName, safeJson, safeYaml } from '../output/print-manifests.ts';
import { UserError } from '../user-error.ts';
import { type AnnotationChange, minimalObject, whatDiffers } from './annotation-change.ts';
import { ask } from './ask.ts';
import { changeText, effectText, sameItem } from './effect-text.ts';
import { type GitopsTool, gitopsRules } from './gitops-rules.ts';
import { writeChange } from './write-change.ts';
import { writeOptionsOf } from './write-options.ts';

/** What a command sees when it makes up its change. */
export type Seen = Observed & {
  /** To look at and to try on; what is written goes the way of all changes. */
  readonly cluster: Cluster;
  /** An object as it is right now; undefined where it doesn't exist. */
  readonly live: (ref: ObjectRef) => Promise<KubernetesObject | undefined>;
  readonly messages: Messages;
};

/** What a command wants, and what people have to know about it. */
export type Wish = {
  readonly changes: readonly AnnotationChange[];
  /** Said where nothing of it has to be changed. */
  readonly already: string;
  /** Lines shown before what will be written. */
  readonly about?: readonly string[];
  /** Lines shown below what follows from it, by the plan for afterwards. */
  readonly afterwards?: (after: Observed) => readonly string[];
};

/**
 * The way of every command that writes: makes up the change from what is there now, shows what will be written and what
 * follows from it, asks, and writes.
 *
 * @returns the exit code.
 */
export async function changeAnnotations(
  args: Arguments,
  environment: Environment,
  wishOf: (seen: Seen) => Promise<Wish>,
): Promise<number> {
  const { stdout, stderr, variables, now, signal } = environment;
  const messages = messagesTo(stderr);
  const options = writeOptionsOf(args);
  const catalog = await catalogOf(args, environment);
  const [{ connection, options: clusterOptions }, { PreviewCluster }] = await Promise.all([
    connectionFor(args, environment, messages),
    import('./preview-cluster.ts'),
  ]);
  const cluster = new PreviewCluster(connection, clusterOptions);
  try {
    const before = await observedOn(cluster, catalog, args, environment);
    const wish = await wishOf({ ...before, cluster, messages, live: (ref) => liveObject(cluster, ref, signal) });
    if (options.gitops !== undefined) {
      cluster.pretend(wish.changes);
      stdout.write(rulesFor(options.gitops, wish, await observedOn(cluster, catalog, args, environment), messages));
      return 0;
    }
    const changes = wish.changes.map(whatDiffers).filter(({ annotations }) => Object.keys(annotations).length > 0);
    if (changes.length === 0) {
      messages.note(`nothing to change: ${wish.already}`);
      return 0;
    }

    cluster.pretend(changes);
    const after = await observedOn(cluster, catalog, args, environment);
    cluster.pretend([]);
    refuseInvalid(before, after);
    if (options.format !== undefined) {
      stdout.write(printed(changes, options.format));
      if (changes.some(({ annotations }) => Object.values(annotations).includes(null))) {
        messages.note('null takes an annotation away in a patch; from a manifest that is applied, delete its line');
      }
      return 0;
    }

    const paint = painter((args.text('color') ?? 'auto') as ColourMode, stdout, variables);
    stdout.write(linesOf(wish.about ?? []));
    stdout.write(`${changeText(changes, paint)}\n${effectText(before, after, { paint, now: now() })}`);
    stdout.write(linesOf(wish.afterwards?.(after) ?? []));

    const { dryRun, fieldManager } = options;
    if (dryRun === 'none' && !options.yes && !(await ask(cluster.connection, environment))) {
      messages.note('nothing was written');
      return 0;
    }
    const how = { none: '', client: ' (dry run)', server: ' (server dry run)' }[dryRun];
    for (const change of changes) {
      if (dryRun !== 'client')
        await writeChange(cluster, change, { fieldManager, dryRun: dryRun === 'server', signal });
      stdout.write(escapeText(`${resourceName(change.target)} annotated${how}`));
      stdout.write('\n');
    }
    return 0;
  } finally {
    cluster.close();
  }
}

/** What the tool has to leave alone of the objects concerned, as they are kept afterwards. */
function rulesFor(tool: GitopsTool, { changes, already }: Wish, { plan }: Observed, messages: Messages): string {
  if (changes.length === 0) {
    messages.note(`nothing to change: ${already}`);
    return '';
  }
  const kept = changes.flatMap(({ target }) => {
    const item = plan.items.find((other) => formatObjectRef(other.target) === formatObjectRef(target));
    if (item?.desired !== undefined) return [item.desired];
    messages.note(
      `the autopilot keeps nothing of ${formatObjectRef(target)} then (${item?.decision ?? 'it is no part of the baseline'}): no rule is needed`,
    );
    return [];
  });
  if (kept.length === 0) return '';
  messages.note(
    tool === 'argocd'
      ? 'for the Application that has them; RespectIgnoreDifferences has its sync leave the fields alone too, once the objects exist'
      : 'for the Kustomization that has them, with Flux 2.9 or newer; before, leave these fields out of the manifests in Git',
  );
  return safeYaml(gitopsRules(tool, kept));
}

/** @throws UserError where nothing could carry an annotation. */
export async function existing(
  { live }: Pick<Seen, 'live'>,
  target: ObjectRef,
  otherwise: string,
): Promise<KubernetesObject> {
  const object = await live(target);
  if (object !== undefined) return object;
  throw new UserError(
    `${formatObjectRef(target)} doesn't exist, and nothing else can carry the annotation: ${otherwise}`,
  );
}

/** Where HyperConverged is. */
export function hyperConvergedRef({ plan: { hyperConverged } }: Pick<Observed, 'plan'>): ObjectRef {
  const { apiVersion, namespace, name } = hyperConverged;
  return { apiVersion, kind: 'HyperConverged', namespace, name };
}

async function liveObject(
  cluster: Cluster,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<KubernetesObject | undefined> {
  const found = await cluster.get(ref, { signal });
  return found.answer === 'object' ? found.object : undefined;
}

/** What the controller would hold an object for isn't written. */
function refuseInvalid(before: Observed, after: Observed): void {
  for (const item of before.plan.items) {
    const next = sameItem(item, after);
    if (next === undefined || next.decision === item.decision) continue;
    if (next.decision === 'override-invalid' || next.decision === 'exclusions-invalid') {
      throw new UserError(`nothing was written, since ${next.asset} would be held (${next.decision}): ${next.why}`);
    }
  }
}

function printed(changes: readonly AnnotationChange[], format: 'yaml' | 'json'): string {
  const objects = changes.map(minimalObject);
  const [first, ...more] = objects;
  if (format === 'yaml') return objects.map(safeYaml).join('---\n');
  return safeJson(more.length === 0 ? first : { apiVersion: 'v1', kind: 'List', items: objects });
}

function linesOf(lines: readonly string[]): string {
  return lines.map((line) => `${escapeText(line)}\n`).join('');
}
