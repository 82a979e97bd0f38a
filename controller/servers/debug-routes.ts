import { clusterAnnotation, isInvalid } from '../../shared/api/annotations.ts';
import { excludes, parseExclusions } from '../../shared/api/exclusions.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { hyperConvergedKind } from '../../shared/api/names.ts';
import { nearestName } from '../../shared/api/nearest-name.ts';
import { formatObjectRef } from '../../shared/api/object-ref.ts';
import { describeFeatures } from '../../shared/catalog/describe-features.ts';
import { Answers } from '../../shared/engine/answers.ts';
import { factsOf } from '../../shared/engine/facts.ts';
import type { Plan, PlanItem } from '../../shared/engine/plan-item.ts';
import { questionKey } from '../../shared/engine/snapshot.ts';
import { statusItem, statusReport } from '../../shared/engine/status-report.ts';
import { runChecks } from './health-routes.ts';
import { type Answer, type Route, withIndex } from './respond.ts';
import type { View } from './view.ts';

/** What the controller sees and decides, for who is allowed on its host. Reads only what is in memory. */
export function debugRoutes(view: View): readonly Route[] {
  const withPlan = (tell: (plan: Plan) => Answer) => () => {
    const plan = view.plan();
    return plan === undefined ? notYet : tell(plan);
  };
  return withIndex('/debug/', [
    {
      path: '/debug/plan',
      about: 'what was decided last, as the plugin prints it with status -o json',
      answer: withPlan((plan) => ({ data: statusReport(plan, controllerOf(view), plan.items) })),
    },
    { path: '/debug/assets/list', about: 'the catalog, with what was decided', answer: () => ({ data: assets(view) }) },
    {
      path: '/debug/assets/render',
      about: 'every object as it should be',
      answer: withPlan(({ items }) => ({
        data: { apiVersion: 'v1', kind: 'List', items: items.flatMap((item) => item.desired ?? []) },
      })),
    },
    {
      path: '/debug/assets/render/*',
      about: 'one object as it should be',
      answer: ({ rest }) => {
        const plan = view.plan();
        return plan === undefined ? notYet : rendered(plan, rest);
      },
    },
    { path: '/debug/context', about: 'the facts that assets are rendered from', answer: () => context(view) },
    { path: '/debug/hco', about: 'HyperConverged as it was read', answer: () => hyperConverged(view) },
    {
      path: '/debug/exclusions',
      about: 'disabled-resources, and what each rule covers',
      answer: () => exclusions(view),
    },
    {
      path: '/debug/features',
      about: 'what can be opted in to, and what is',
      answer: () => ({ data: features(view) }),
    },
    {
      path: '/debug/tombstones',
      about: 'what past versions left behind',
      answer: withPlan(({ items }) => ({
        data: { items: items.filter(({ type }) => type === 'tombstone').map(statusItem) },
      })),
    },
    { path: '/debug/health', about: 'each health check', answer: () => ({ data: health(view) }) },
  ]);
}

const notYet: Answer = { status: 503, text: 'there is no plan yet\n' };

/** With every key that the plugin prints of a controller. */
function controllerOf({ controller, plan, snapshot }: View) {
  return {
    leaseDurationSeconds: null,
    plannedGeneration: plan()?.hyperConverged?.generation ?? null,
    images: snapshot()?.images ?? {},
    ...controller(),
  };
}

function assets({ catalog, plan }: View) {
  const items = new Map(plan()?.items.map((item) => [item.asset, item]));
  return {
    digest: catalog.digest,
    items: catalog.assets.map(
      ({ name, file, feature = null, features, group = null, install, order, protects, gates, when }) => {
        const item = items.get(name);
        return {
          name,
          file,
          feature,
          features,
          group,
          install,
          order,
          protects,
          gates,
          when: when.map(({ expression }) => expression),
          target: item?.target ?? null,
          decision: item?.decision ?? null,
          why: item?.why ?? null,
        };
      },
    ),
  };
}

function rendered({ items }: Plan, name: string): Answer {
  const item = items.find(({ type, asset }) => type === 'asset' && asset === name);
  if (item === undefined) {
    const nearest = nearestName(
      name,
      items.map(({ asset }) => asset),
    );
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    return { status: 404, text: `there is no asset of that name${hint}\n` };
  }
  if (item.desired === undefined) {
    return { status: 404, text: `${item.asset} is ${item.decision}, so there is nothing to apply: ${item.why}\n` };
  }
  return { data: item.desired };
}

function context(view: View): Answer {
  const snapshot = view.snapshot();
  const found = foundHyperConverged(view);
  if (snapshot === undefined || found === undefined) return notYet;
  const { facts, unknown } = factsOf(found, snapshot, new Answers(snapshot));
  return { data: { ...facts, hyperConverged: withoutManagedFields(facts.hyperConverged), unknown } };
}

function hyperConverged(view: View): Answer {
  const found = foundHyperConverged(view);
  return found === undefined ? notYet : { data: withoutManagedFields(found) };
}

function exclusions(view: View): Answer {
  const plan = view.plan();
  const found = foundHyperConverged(view);
  if (plan === undefined || found === undefined) return notYet;
  const rules = parseExclusions(found.metadata.annotations?.[clusterAnnotation.disabledResources]);
  if (isInvalid(rules)) return { data: { valid: false, message: rules.message, rules: [] } };
  const covered = (covers: (item: PlanItem) => boolean) =>
    plan.items.filter(covers).map(({ target }) => formatObjectRef(target));
  return {
    data: {
      valid: true,
      rules: rules.map((rule) => ({ ...rule, objects: covered(({ target }) => excludes(rule, target)) })),
    },
  };
}

function features(view: View) {
  const annotations = foundHyperConverged(view)?.metadata.annotations ?? {};
  const items = view.plan()?.items ?? [];
  return {
    items: describeFeatures(view.catalog).map((feature) => ({
      ...feature,
      enabled: annotations[`${clusterAnnotation.enablePrefix}${feature.name}`] === 'true',
      assets: items
        .filter(({ type, asset }) => type === 'asset' && feature.assets.includes(asset))
        .map(({ asset, decision, why }) => ({ asset, decision, why })),
    })),
  };
}

function health(view: View) {
  const { live, ready, plan } = view;
  const decided = plan();
  return {
    controller: controllerOf(view),
    live: runChecks(live),
    ready: runChecks(ready),
    activation: decided?.activation ?? null,
    unknown: decided?.unknown ?? [],
    warnings: decided?.warnings ?? [],
  };
}

/** Out of the snapshot, the one that the plan was made for. */
function foundHyperConverged(view: View): KubernetesObject | undefined {
  const { hyperConverged: found } = view.plan() ?? {};
  const reads = view.snapshot()?.reads;
  if (found === undefined || reads === undefined) return undefined;
  const { apiVersion, namespace, name } = found;
  const ref = { apiVersion, kind: hyperConvergedKind };
  const own = reads.get(questionKey({ ask: 'get', ref: { ...ref, namespace, name } }));
  if (own?.answer === 'object') return own.object;
  for (const where of [{ namespace }, {}]) {
    const listed = reads.get(questionKey({ ask: 'list', ...ref, ...where }));
    const object =
      listed?.answer === 'list'
        ? listed.items.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)
        : undefined;
    if (object !== undefined) return object;
  }
  return undefined;
}

function withoutManagedFields<Holder extends { readonly metadata: object }>(object: Holder): Holder {
  const { managedFields: _, ...metadata } = object.metadata as Record<string, unknown>;
  return { ...object, metadata };
}
