import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import fc from 'fast-check';
import { formatPointer } from '../../shared/api/json-pointer.ts';
import { compareLocally, differencesBetween, pointerOf } from '../../shared/engine/compare-locally.ts';
import { equalJson } from '../../shared/engine/json.ts';
import type { Cluster as Client } from '../../shared/kube/client.ts';
import { type AnyObject, useCluster } from '../helpers/cluster.ts';
import { catalogOf, converge, itemOf, openClient, planNow } from '../helpers/engine.ts';
import { gadgetFields, gadgetSpec, gadgetSpecOf, serveGadgets } from './_gadgets.ts';
import { activated, hyperConverged } from './_plugin.ts';

const test = anyTest as TestFn<{ client: Client }>;
const cluster = useCluster(test, { crds: 'none' });

test.serial.before('HyperConverged is activated', async (t) => {
  await cluster.installCrds('own', { only: ['hyperconvergeds.hco.kubevirt.io'] });
  t.context.client = openClient(cluster.kubeconfig);
  await serveGadgets(cluster, t.context.client);
  await cluster.apply('{apiVersion: v1, kind: Namespace, metadata: {name: openshift-cnv}}');
  await cluster.apply(hyperConverged(activated));
});

test.after.always((t) => t.context.client?.close());

/** What another manager may do: apply with force, update by a merge patch, turn lists round, or take the managed fields away. */
type Edit =
  | { readonly by: 'apply'; readonly spec: AnyObject }
  | { readonly by: 'update'; readonly spec: AnyObject; readonly removes: readonly string[] }
  | { readonly by: 'turning' }
  | { readonly by: 'forgetting' };

function editOf(spec: fc.Arbitrary<AnyObject>, fields: readonly string[]): fc.Arbitrary<Edit> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.record({ by: fc.constant('apply' as const), spec }) },
    {
      weight: 3,
      arbitrary: fc.record({
        by: fc.constant('update' as const),
        spec,
        removes: fc.subarray([...fields], { maxLength: Math.min(2, fields.length) }),
      }),
    },
    { weight: 1, arbitrary: fc.constantFrom({ by: 'turning' as const }, { by: 'forgetting' as const }) },
  );
}

type Case = { readonly wanted: AnyObject; readonly edits: readonly Edit[] };

/**
 * Half of them about one or two fields: among many there is nearly always one in which an edit is seen at once, and what
 * would be missed of the others is healed with it.
 */
function casesWith(edits: { minLength: number; maxLength: number }): fc.Arbitrary<Case> {
  const caseOf = (spec: fc.Arbitrary<AnyObject>, fields: readonly string[]) =>
    fc.record({ wanted: spec, edits: fc.array(editOf(spec, fields), edits) });
  return fc.oneof(
    caseOf(gadgetSpec, gadgetFields),
    fc
      .subarray([...gadgetFields], { minLength: 1, maxLength: 2 })
      .chain((fields) => caseOf(gadgetSpecOf(fields), fields)),
  );
}

/** The same cases in every run, unless a seed is given to look for others, and a number to look longer. */
const { VIRT_PLATFORM_TEST_SEED: seed = '20261121', VIRT_PLATFORM_TEST_CASES: numRuns = '200' } = process.env;
const batchSize = 20;
// A busy machine takes long; one that hangs is found all the same.
const timeoutMs = 60_000 + 400 * Number(numRuns);

/** Goes through cases, some at a time. */
async function inBatches<One>(cases: fc.Arbitrary<One>, run: (batch: ReadonlyMap<string, One>) => Promise<void>) {
  const all = fc.sample(cases, { seed: Number(seed), numRuns: Number(numRuns) });
  for (let done = 0; done < all.length; done += batchSize) {
    await run(new Map(all.slice(done, done + batchSize).map((one, index) => [`gadget-${done + index}`, one])));
  }
}

function gadgetId(name: string) {
  return { apiVersion: 'example.com/v1', kind: 'Gadget', name };
}

function catalogFor(specs: ReadonlyMap<string, AnyObject>) {
  return catalogOf(
    Object.fromEntries(
      [...specs].map(([name, wanted]) => [
        `${name}.yaml.hbs`,
        `format: 1\ntarget: {apiVersion: example.com/v1, kind: Gadget, name: ${name}}\n---\n${JSON.stringify({ spec: wanted })}`,
      ]),
    ),
  );
}

async function gadget(name: string): Promise<AnyObject> {
  const object = await cluster.get(gadgetId(name));
  if (object === undefined) throw new Error(`${name} is gone`);
  return object;
}

/** Makes an edit, unless the server refuses it (it leaves null where the last key of a map goes, and then complains). */
async function make(name: string, edit: Edit): Promise<void> {
  try {
    await makeWithoutExcuse(name, edit);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('HTTP 422'))) throw error;
  }
}

async function makeWithoutExcuse(name: string, edit: Edit): Promise<void> {
  switch (edit.by) {
    case 'apply':
      await cluster.apply(
        { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name }, spec: edit.spec },
        { manager: 'rival', force: true },
      );
      return;
    case 'update': {
      const { spec = {} } = await gadget(name);
      const removed = edit.removes.filter((field) => field in spec).map((field) => [field, null]);
      await cluster.patch(
        gadgetId(name),
        { spec: { ...edit.spec, ...Object.fromEntries(removed) } },
        { manager: 'human' },
      );
      return;
    }
    case 'turning': {
      const lists = Object.entries((await gadget(name)).spec ?? {}).filter(([, value]) => Array.isArray(value));
      const turned = lists.map(([field, list]) => [field, (list as unknown[]).toReversed()]);
      await cluster.patch(gadgetId(name), { spec: Object.fromEntries(turned) }, { manager: 'human' });
      return;
    }
    case 'forgetting':
      await cluster.patch(gadgetId(name), { metadata: { managedFields: [{}] } });
      return;
    default:
      edit satisfies never;
  }
}

function asText(value: unknown): string {
  return JSON.stringify(value);
}

test.serial('whatever another manager does is seen, healed, and then in sync', async (t) => {
  const { client } = t.context;
  t.timeout(timeoutMs);
  let trusted = 0;
  await inBatches(casesWith({ minLength: 1, maxLength: 3 }), async (batch) => {
    const catalog = catalogFor(new Map([...batch].map(([name, { wanted }]) => [name, wanted])));
    await converge(client, catalog);
    await Promise.all(
      [...batch].map(async ([name, { edits }]) => {
        for (const one of edits) await make(name, one);
      }),
    );
    const edited = await planNow(client, catalog);
    await Promise.all(
      [...batch.keys()].map(async (name) => {
        if (await isTrustedRightly(t, client, name, itemOf(edited, name).desired)) trusted++;
      }),
    );
    const { plan } = await converge(client, catalog);
    for (const [name, one] of batch) {
      const { decision, why } = itemOf(plan, name);
      t.is(decision, 'in-sync', `${why}: ${asText(one)}`);
    }
    await Promise.all(
      [...batch.keys()].map(async (name) => {
        await isTrustedRightly(t, client, name, itemOf(plan, name).desired);
      }),
    );
  });
  // Or what is trusted wrongly wouldn't be found.
  t.true(trusted > Number(numRuns) / 20, `only ${trusted} were in sync at once`);
});

/** Whether the local comparison is sure that nothing differs; then a dry run mustn't find anything either. */
async function isTrustedRightly(t: ExecutionContext, client: Client, name: string, desired: unknown): Promise<boolean> {
  const wanted = desired as Parameters<typeof compareLocally>[0];
  const live = (await gadget(name)) as typeof wanted & AnyObject;
  const { inSync, isCertain } = compareLocally(wanted, live);
  if (!inSync || !isCertain) return false;
  const { uid = '', resourceVersion = '' } = live.metadata;
  const { object } = await client.apply(wanted, {
    ref: gadgetId(name),
    fieldManager: 'virt-platform-autopilot',
    force: true,
    dryRun: true,
    live: { uid, resourceVersion },
  });
  t.deepEqual(
    differencesBetween(live, object).map(pointerOf),
    [],
    `missed drift: ${asText(wanted)} on ${asText(live)}`,
  );
  return true;
}

/** An apply may change the order of items that are merged by what they are. */
function inOneOrder(value: unknown): unknown {
  return JSON.parse(asText(value ?? null), (_, inner) =>
    Array.isArray(inner) ? inner.sort((a, b) => (asText(a) < asText(b) ? -1 : 1)) : inner,
  );
}

type Names = readonly (string | number)[];

/** Every place in a spec that can be ignored: all but the keys of associative lists. */
function places(value: unknown, at: Names): Names[] {
  if (typeof value !== 'object' || value === null) return at.length > 1 ? [at] : [];
  const inside = Object.entries(value).flatMap(([key, inner]) => {
    const isKey = keysOf(at.slice(0, -1)).includes(key);
    return isKey ? [] : places(inner, [...at, Array.isArray(value) ? Number(key) : key]);
  });
  return at.length > 1 ? [at, ...inside] : inside;
}

function keysOf(list: Names): readonly string[] {
  if (list.length !== 2) return [];
  return list[1] === 'parts' ? ['name'] : list[1] === 'ports' ? ['port', 'protocol'] : [];
}

/** What an object has at a place of the wanted state: items of associative lists and sets are found by what they are. */
function valueAt(live: unknown, wanted: unknown, names: Names, at: Names = []): unknown {
  const [name, ...rest] = names;
  if (name === undefined) return live ?? undefined;
  if (typeof live !== 'object' || live === null) return undefined;
  const wantedInner = Object(wanted)[name];
  const here = [...at, name];
  if (!Array.isArray(live)) return valueAt(Object(live)[name], wantedInner, rest, here);
  const keys = keysOf(at);
  const isSet = at.at(-1) === 'names' || at.at(-1) === 'tags';
  const found =
    keys.length > 0
      ? live.find((item: AnyObject) => keys.every((key) => item[key] === (wantedInner?.[key] ?? 'TCP')))
      : isSet
        ? live.find((item) => equalJson(item, wantedInner))
        : live[Number(name)];
  return valueAt(found, wantedInner, rest, here);
}

test.serial('whatever is ignored keeps its value', async (t) => {
  const { client } = t.context;
  t.timeout(timeoutMs);
  const cases = fc
    .tuple(casesWith({ minLength: 0, maxLength: 2 }), fc.array(fc.nat(), { minLength: 1, maxLength: 3 }))
    .map(([{ wanted, edits }, pick]) => {
      const all = places({ spec: wanted }, []);
      return { wanted, edits, ignored: all.length === 0 ? [] : pick.map((index) => all[index % all.length] ?? []) };
    })
    .filter(({ ignored }) => ignored.length > 0);
  await inBatches(cases, async (batch) => {
    const catalog = catalogFor(new Map([...batch].map(([name, { wanted }]) => [`ignoring-${name}`, wanted])));
    await converge(client, catalog);
    const before = new Map<string, AnyObject>();
    await Promise.all(
      [...batch].map(async ([key, { edits, ignored }]) => {
        const name = `ignoring-${key}`;
        for (const one of edits) await make(name, one);
        const annotations = { 'platform.kubevirt.io/ignore-fields': ignored.map(formatPointer).join(',') };
        before.set(key, await cluster.patch(gadgetId(name), { metadata: { annotations } }, { manager: 'human' }));
      }),
    );
    const { plan } = await converge(client, catalog);
    for (const [key, { wanted, ignored, edits }] of batch) {
      const item = itemOf(plan, `ignoring-${key}`);
      const live = before.get(key);
      const after = await gadget(`ignoring-${key}`);
      const about = `${ignored.map(formatPointer)} of ${asText(wanted)} after ${asText(edits)}`;
      // Without managed fields nothing tells which item of a list is meant: two may come out as one, and are refused.
      const isUntold = edits.some(({ by }) => by === 'forgetting') && item.decision === 'rejected';
      t.true(item.decision === 'in-sync' || isUntold, `${item.why}: ${about}`);
      for (const place of ignored) {
        const [was, is] = [live, after].map((object) => valueAt(object, { spec: wanted }, place));
        // Where somebody shortened a list, there is no place to keep.
        if (was === undefined && place.some((name) => typeof name === 'number')) continue;
        t.deepEqual(inOneOrder(is), inOneOrder(was), `${formatPointer(place)}: ${about}`);
      }
    }
  });
});
