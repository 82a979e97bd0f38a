import { setImmediate } from 'node:timers/promises';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { hyperConvergedApiVersions, hyperConvergedKind } from '../../shared/api/names.ts';
import { groupOf } from '../../shared/api/object-ref.ts';
import type { Catalog } from '../../shared/catalog/asset.ts';
import type { Activation, Plan } from '../../shared/engine/plan-item.ts';
import { questionKey, type Snapshot } from '../../shared/engine/snapshot.ts';
import type { Cluster } from '../../shared/kube/client.ts';
import type { Discovery } from '../../shared/kube/discovery.ts';
import type { Arguments } from '../arguments.ts';
import type { Option } from '../command.ts';
import type { Environment } from '../environment.ts';
import { connection } from '../global-options.ts';
import type { Messages } from '../output/messages.ts';
import { UserError } from '../user-error.ts';
import { catalogOf } from './catalog.ts';
import { chosenItems } from './chosen-items.ts';
import { connect, kubectlFor } from './connect.ts';
import { type ControllerHealth, controllerHealth } from './controller-health.ts';
import { forcedFacts } from './forced-facts.ts';
import { failuresIn, type LastFailure, lastFailures } from './last-failures.ts';
import { readFiles } from './read-files.ts';
import { leaseRef, readLease } from './read-lease.ts';

export const filesOptions: readonly Option[] = [
  {
    name: 'filename',
    short: 'f',
    type: 'texts',
    placeholder: 'FILE|DIR|-',
    description: 'Works on the objects in files instead of a cluster; may be given several times',
  },
  {
    name: 'recursive',
    short: 'R',
    type: 'switch',
    description: 'Folders within the folder of -f too: the default; --recursive=false leaves them out',
  },
];

/** With its HyperConverged: without exactly one there is nothing to say. */
export type DecidedPlan = Plan & {
  readonly activation: Exclude<Activation, { readonly state: 'absent' | 'ambiguous' | 'unknown' }>;
  readonly hyperConverged: NonNullable<Plan['hyperConverged']>;
};

/** A plan, and what it was made from. */
export type Observed = {
  readonly plan: DecidedPlan;
  readonly snapshot: Snapshot;
  readonly catalog: Catalog;
  readonly controller: ControllerHealth;
  /** Of applies by the controller; none where nobody asked for them. */
  readonly failures: ReadonlyMap<string, LastFailure>;
  /** `kubectl` as it reaches this cluster, for commands that are suggested. */
  readonly kubectl: string;
};

/** The same, perhaps without its HyperConverged. */
export type Seen = Omit<Observed, 'plan'> & { readonly plan: Plan };

/**
 * The plan for the cluster, or for the files of `-f`.
 *
 * @throws UserError where there is no HyperConverged, or more than one.
 */
export async function observed(
  args: Arguments,
  environment: Environment,
  messages: Messages,
  { withFailures = false, cluster }: ObservedOptions = {},
): Promise<Observed> {
  const files = args.texts('filename');
  if (files.length > 0) return await fromFiles(files, args, environment, messages);
  if (cluster !== undefined) return await fromCluster(cluster, args, environment, withFailures);
  const own = await connect(args, environment, messages);
  try {
    return await fromCluster(own, args, environment, withFailures);
  } finally {
    own.close();
  }
}

export type ObservedOptions = {
  /** Whether to look for what the controller failed at. */
  readonly withFailures?: boolean;
  /** One that is open, and stays so. */
  readonly cluster?: Cluster;
};

async function fromCluster(
  cluster: Cluster,
  args: Arguments,
  environment: Environment,
  withFailures: boolean,
): Promise<Observed> {
  // This needs nothing but the cluster: the rest is made ready while the answer is on its way.
  const discovering = cluster.discover();
  // Whoever awaits it is told.
  discovering.catch(() => {});
  await setImmediate();
  const catalog = await catalogOf(args, environment);
  return await observedOn(cluster, catalog, args, environment, { withFailures, discovering });
}

/** The plan for a cluster that is open, and stays so. */
export async function observedOn(
  cluster: Cluster,
  catalog: Catalog,
  args: Arguments,
  environment: Environment,
  options: SeenOptions = {},
): Promise<Observed> {
  const seen = await seenOn(cluster, catalog, args, environment, options);
  return { ...seen, plan: withHyperConverged(seen.plan, "delete those that aren't meant") };
}

type SeenOptions = {
  /** Whether to look for what the controller failed at. */
  readonly withFailures?: boolean;
  /** What is served was asked already: not again, even where it failed, which might have a person log in twice. */
  readonly discovering?: Promise<Discovery>;
};

/** The same where nothing is wrong with there being no HyperConverged. */
export async function seenOn(
  cluster: Cluster,
  catalog: Catalog,
  args: Arguments,
  environment: Environment,
  { withFailures = false, discovering }: SeenOptions = {},
): Promise<Seen> {
  const [{ observe }, { plan: makePlan }, { likelyQuestions, usualNamespace }, discovery] = await Promise.all([
    import('../../shared/kube/observe.ts'),
    import('../../shared/engine/plan.ts'),
    import('../../shared/engine/likely-questions.ts'),
    discovering ?? cluster.discover(),
  ]);
  // What the controller says is asked beside the first questions, where it usually is.
  const usual = usualNamespace({ known: true, resources: discovery.resources });
  let beside = askBeside(cluster, usual, withFailures);
  const observeWith = (images: Readonly<Record<string, string>>, earlier?: Snapshot) =>
    observe(cluster, catalog, makePlan, {
      images,
      likely: (snapshot) => likelyQuestions(catalog, snapshot),
      discovery,
      ...(earlier !== undefined && { earlier }),
      now: environment.now().getTime(),
      forced: forcedFacts(args),
      signal: environment.signal,
    });
  const kubectl = kubectlFor(args, cluster.connection);
  let { plan, snapshot } = await observeWith({});
  const namespace = plan.hyperConverged?.namespace;
  if (namespace === undefined) {
    const controller = { state: 'unknown', why: 'there is no HyperConverged, beside which it would run' } as const;
    return { plan, snapshot, catalog, controller, failures: new Map(), kubectl };
  }
  if (beside.namespace !== namespace) beside = askBeside(cluster, namespace, withFailures);
  const [controller, failures] = await beside.answers;
  if (readsImages(catalog, controller)) {
    // Only the Lease tells which images the controller renders with, and only HyperConverged where the Lease is.
    ({ plan, snapshot } = await observeWith(controller.images, snapshot));
  }
  return { plan, snapshot, catalog, controller, failures, kubectl };
}

type Beside = {
  readonly namespace: string;
  readonly answers: Promise<readonly [ControllerHealth, ReadonlyMap<string, LastFailure>]>;
};

/** Asks what the controller in a namespace says of itself. */
function askBeside(cluster: Cluster, namespace: string, withFailures: boolean): Beside {
  const answers = Promise.all([
    readLease(cluster, namespace),
    withFailures ? lastFailures(cluster, namespace) : new Map<string, LastFailure>(),
  ]);
  // Whoever awaits it is told.
  answers.catch(() => {});
  return { namespace, answers };
}

/** What says which cluster, and as whom; a namespace also chooses among objects. */
const ofConnection = connection
  .map(({ name }) => name)
  .filter((name) => name !== 'namespace' && name !== 'all-namespaces');

async function fromFiles(
  files: readonly string[],
  args: Arguments,
  environment: Environment,
  messages: Messages,
): Promise<Observed> {
  const { cwd, stdin, now } = environment;
  const catalog = await catalogOf(args, environment);
  const recursive = !args.given('recursive') || args.isOn('recursive');
  const [{ objects, notes }, { snapshotFromObjects }, { plan: makePlan }] = await Promise.all([
    readFiles(files, { cwd, stdin, recursive }),
    import('../../shared/engine/snapshot-from-objects.ts'),
    import('../../shared/engine/plan.ts'),
  ]);
  const unused = ofConnection.filter((name) => args.given(name)).map((name) => `--${name}`);
  if (unused.length > 0)
    messages.note(
      `with -f no cluster is asked: ${unused.join(', ')} ${unused.length === 1 ? 'is' : 'are'} without effect`,
    );
  for (const note of notes) messages.note(note);
  refuseWithoutHyperConverged(objects, files);
  let snapshot = snapshotFromObjects(objects, { now: now().getTime(), forced: forcedFacts(args) });
  const decidedPlan = () => withHyperConverged(makePlan(catalog, snapshot).plan, "leave out those that aren't meant");
  let plan = decidedPlan();
  // Words that name nothing are an error that stands alone.
  chosenItems(plan.items, args, snapshot);
  if (!snapshot.apis.known) messages.note('there is no CRD among the files: all are taken as installed');
  const lease = snapshot.reads.get(questionKey({ ask: 'get', ref: leaseRef(plan.hyperConverged.namespace) }));
  const controller = controllerHealth(lease ?? { answer: 'unknown', why: 'its Lease is not in the files' });
  if (readsImages(catalog, controller)) {
    snapshot = { ...snapshot, images: controller.images };
    plan = decidedPlan();
  }
  const events = objects.filter(({ kind, apiVersion }) => kind === 'Event' && apiVersion === 'events.k8s.io/v1');
  return { plan, snapshot, catalog, controller, failures: failuresIn(events), kubectl: kubectlFor(args) };
}

/** @throws UserError for files without a HyperConverged that is understood. */
function refuseWithoutHyperConverged(objects: readonly KubernetesObject[], files: readonly string[]): void {
  const versions = objects
    .filter(({ kind, apiVersion }) => kind === hyperConvergedKind && groupOf(apiVersion) === 'hco.kubevirt.io')
    .map(({ apiVersion }) => apiVersion);
  if (versions.some((version) => hyperConvergedApiVersions.some((known) => known === version))) return;
  throw new UserError(
    versions.length === 0
      ? `there is no HyperConverged (hco.kubevirt.io) in ${files.join(', ')}, and everything follows from it: ` +
          'add the output of "kubectl get hyperconverged -A -o yaml"'
      : `HyperConverged in ${files.join(', ')} is of ${versions.join(', ')}, and only ${hyperConvergedApiVersions.join(' and ')} are understood: ` +
          'add the output of "kubectl get hyperconvergeds.v1.hco.kubevirt.io -A -o yaml"',
  );
}

/** Whether the plan would be another one with the controller's images. */
function readsImages(
  { assets }: Catalog,
  controller: ControllerHealth,
): controller is ControllerHealth & { readonly state: 'found' } {
  if (controller.state !== 'found' || Object.keys(controller.images).length === 0) return false;
  return assets.some(({ body, when }) =>
    [body, ...when].some(({ uses }) => uses.some((use) => use === 'images' || use.startsWith('images.'))),
  );
}

/** @param ifSeveral what to do where there is more than one */
function withHyperConverged(plan: Plan, ifSeveral: string): DecidedPlan {
  const { activation, hyperConverged } = plan;
  switch (activation.state) {
    case 'absent':
      throw new UserError(
        `${activation.why}: install the HyperConverged Cluster Operator and create one, or choose another cluster with --context`,
      );
    case 'ambiguous':
      throw new UserError(`${activation.why}: ${ifSeveral}`);
    case 'unknown':
      throw new UserError(
        /\bno permission to\b/.test(activation.why)
          ? `${activation.why}; the ClusterRole virt-platform-viewer gives all that looking takes`
          : activation.why,
      );
    default:
      if (hyperConverged === undefined) throw new Error('internal error: a plan without its HyperConverged');
      return { ...plan, activation, hyperConverged };
  }
}
