import type { KubernetesObject } from '../../../shared/api/kubernetes-object.ts';
import { formatObjectRef, groupOf } from '../../../shared/api/object-ref.ts';
import type { Cluster } from '../../../shared/kube/client.ts';
import { isTroubleOfOne } from '../../../shared/kube/trouble.ts';
import { isWanted } from '../../input/is-wanted.ts';
import { deleteCommand } from '../../output/delete-command.ts';
import { shellWord } from '../../output/shell-word.ts';
import { check, type Examined, type Found, notCheckedId } from '../finding.ts';
import { listOf } from '../list-of.ts';
import { notChecked } from '../not-checked.ts';
import { concerns, deniesDryRun, mayLeaveOut, type Webhook, webhooksOf } from '../webhook.ts';

type Id = 'webhook-denies-dry-run' | 'webhook-unreachable';

export const webhooks = check({
  about: 'webhooks that are asked about what is kept',
  finds: {
    'webhook-denies-dry-run': {
      severity: 'error',
      means: 'a webhook says that it has side effects, so that nothing of a kind that is kept can be compared',
    },
    'webhook-unreachable': {
      severity: 'error',
      means:
        'a webhook that must be asked about a kind that is kept has no service that answers: nothing of that kind can be written',
    },
  },
  run: async (examined) => {
    const { cluster, plan, snapshot } = examined;
    const resources = snapshot.apis.known ? snapshot.apis.resources : [];
    const wanted = new Set(
      plan.items.filter(isWanted).map(({ target: { apiVersion, kind } }) => `${groupOf(apiVersion)}/${kind}`),
    );
    const ours = resources.filter(({ group, kind }) => wanted.has(`${group}/${kind}`));
    const configurations = await Promise.all(
      ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].map((kind) =>
        cluster.list({ apiVersion: 'admissionregistration.k8s.io/v1', kind }),
      ),
    );
    const found = await Promise.all(
      configurations
        .flatMap((list) => (list.answer === 'list' ? list.items : []))
        .flatMap((configuration) => webhooksOf(configuration).map((webhook) => ({ configuration, webhook })))
        .flatMap(({ configuration, webhook }) => {
          const concerned = ours.filter((one) => concerns(webhook, one));
          if (concerned.length === 0) return [];
          const plurals = [...new Set(concerned.map(({ plural }) => plural))].join(', ');
          const isSure = concerned.some((one) => !mayLeaveOut(webhook, one));
          return [
            troubleWith(webhook, configuration, plurals, examined).then((all) => (isSure ? all : all.map(unsure))),
          ];
        }),
    );
    return found.flat();
  },
});

/** Nothing else is asked whether what is kept is among what it selects. */
function unsure(finding: Found<Id>): Found<Id> {
  if (finding.id === notCheckedId) return finding;
  const what = `${finding.what}, as far as its selectors and conditions don't leave it out`;
  return { ...finding, severity: 'warning', what };
}

async function troubleWith(
  webhook: Webhook,
  { apiVersion, kind, metadata }: KubernetesObject,
  plurals: string,
  { cluster, kubectl }: Examined,
): Promise<readonly Found<Id>[]> {
  const ref = { apiVersion, kind, name: metadata.name };
  const where = formatObjectRef(ref);
  const denies: readonly Found<Id>[] = deniesDryRun(webhook)
    ? [
        {
          id: 'webhook-denies-dry-run',
          what: `the webhook ${webhook.name} has side effects (${webhook.sideEffects}), so the API server refuses every dry-run of ${plurals}`,
          where,
          fix: `${kubectl} edit ${shellWord(`${kind.toLowerCase()}/${metadata.name}`)}`,
          note: 'if a dry-run has none there, sideEffects is to be NoneOnDryRun',
        },
      ]
    : [];
  const { service } = webhook;
  if (webhook.failurePolicy === 'Ignore' || service === undefined) return denies;
  const about = `whether the webhook ${webhook.name} in ${where} can be reached`;
  try {
    const why = await unreachable(service, cluster);
    if (why === undefined) return denies;
    const what = `the webhook ${webhook.name} must be asked about ${plurals}, and ${why}: every write of them is refused`;
    const note = `if nobody needs it any more; otherwise bring its service ${service.namespace}/${service.name} back`;
    return [...denies, { id: 'webhook-unreachable', what, where, fix: deleteCommand(ref, kubectl), note }];
  } catch (error) {
    if (!isTroubleOfOne(error)) throw error;
    return [...denies, notChecked(about, error, kubectl)];
  }
}

async function unreachable(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  cluster: Cluster,
): Promise<string | undefined> {
  const service = await cluster.get({ apiVersion: 'v1', kind: 'Service', namespace, name });
  if (service.answer === 'absent') return `its service ${namespace}/${name} doesn't exist`;
  // Its name is somewhere else, which only the API server can look up.
  if (Object(service.object.spec).type === 'ExternalName') return undefined;
  const slices = await cluster.list(
    { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', namespace },
    { labelSelector: `kubernetes.io/service-name=${name}` },
  );
  const endpoints = slices.answer === 'list' ? slices.items.flatMap((slice) => listOf(slice.endpoints)) : [];
  // Unknown counts as ready, by the API's own words.
  const isReady = endpoints.some((endpoint) => Object(Object(endpoint).conditions).ready !== false);
  return isReady ? undefined : `no pod behind its service ${namespace}/${name} is ready`;
}
