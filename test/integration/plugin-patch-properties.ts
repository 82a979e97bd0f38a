import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import fc from 'fast-check';
import { isInvalid, parsePatch } from '../../shared/api/annotations.ts';
import type { Cluster as Client } from '../../shared/kube/client.ts';
import { parseYaml } from '../../shared/yaml/parse-yaml.ts';
import { printYaml } from '../../shared/yaml/print-yaml.ts';
import { type AnyObject, useCluster } from '../helpers/cluster.ts';
import { catalogOf, converge, itemOf, openClient } from '../helpers/engine.ts';
import { runPlugin } from '../unit/plugin/_environment.ts';
import { gadgetSpec, serveGadgets } from './_gadgets.ts';
import { activated, hyperConverged } from './_plugin.ts';

const test = anyTest as TestFn<{ client: Client }>;
const cluster = useCluster(test, { crds: 'none' });
const key = 'platform.kubevirt.io/patch';

test.serial.before('HyperConverged is activated', async (t) => {
  await cluster.installCrds('own', { only: ['hyperconvergeds.hco.kubevirt.io'] });
  t.context.client = openClient(cluster.kubeconfig);
  await serveGadgets(cluster, t.context.client);
  await cluster.apply('{apiVersion: v1, kind: Namespace, metadata: {name: openshift-cnv}}');
  await cluster.apply(hyperConverged(activated));
});

test.after.always((t) => t.context.client?.close());

/** How somebody says what they want. */
const way = fc.constantFrom('operations' as const, 'merge' as const, 'editor' as const);
type Way = 'operations' | 'merge' | 'editor';

/** The same cases in every run, unless a seed is given to look for others. */
const seed = Number(process.env.VIRT_PLATFORM_TEST_SEED ?? 20_261_121);
const batchSize = 6;
const batches = 3;

function gadgetId(name: string) {
  return { apiVersion: 'example.com/v1', kind: 'Gadget', name };
}

async function gadget(name: string): Promise<AnyObject> {
  const object = await cluster.get(gadgetId(name));
  if (object === undefined) throw new Error(`${name} is gone`);
  return object;
}

/**
 * Somebody's wish. Of maps that are merged, none is empty: where the last key goes, the server itself leaves null, and
 * then refuses it.
 */
const wish = gadgetSpec.map(
  (spec): AnyObject =>
    Object.fromEntries(
      Object.entries(spec).flatMap(([name, value]) => {
        if (!['settings', 'groups', 'free'].includes(name)) return [[name, value]];
        const filled = Object.entries(value).filter(([, inner]) => JSON.stringify(inner) !== '{}');
        return filled.length === 0 ? [] : [[name, Object.fromEntries(filled)]];
      }),
    ),
);

/** The words after `patch NAME`, and an editor, that make `next` of the spec that is wanted now. */
function wordsFor(way: Way, now: AnyObject, next: AnyObject): readonly string[] {
  switch (way) {
    case 'operations':
      return ['-p', JSON.stringify([{ op: 'add', path: '/spec', value: next }])];
    case 'merge':
      return ['-p', JSON.stringify({ spec: mergePatch(now, next) })];
    case 'editor':
      return ['--edit'];
    default:
      return way satisfies never;
  }
}

/** RFC 7386, from one value to the other. */
function mergePatch(now: unknown, next: unknown): unknown {
  const isMap = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMap(now) || !isMap(next)) return next;
  const [before, after] = [now, next].map((map) => Object.entries(map as object));
  const removed = (before ?? []).filter(([name]) => !Object.hasOwn(Object(next), name)).map(([name]) => [name, null]);
  const kept = (after ?? []).map(([name, value]) => [name, mergePatch(Object(now)[name], value)]);
  return Object.fromEntries([...removed, ...kept]);
}

/** An apply may change the order of items that are merged by what they are, and leaves empty containers behind. */
function essence(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null), (_, inner) => {
    if (Array.isArray(inner)) {
      const kept = inner.filter((item) => item !== undefined);
      return kept.length === 0 ? undefined : kept.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    }
    return JSON.stringify(inner) === '{}' ? undefined : inner;
  });
}

/** A catalog of these gadgets, and a folder with it for the plugin. */
async function catalogFor(gadgets: readonly { readonly name: string; readonly rendered: AnyObject }[]) {
  const files = Object.fromEntries(
    gadgets.map(({ name, rendered }) => [
      `${name}.yaml.hbs`,
      `format: 1\ntarget: {apiVersion: example.com/v1, kind: Gadget, name: ${name}}\n---\n${JSON.stringify({ spec: rendered })}`,
    ]),
  );
  const folder = await mkdtemp(path.join(cluster.controlPlane.directory, 'catalog-'));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  return { folder, catalog: catalogOf(files) };
}

test.serial('whatever is wanted: what patch writes is what the controller then does', async (t) => {
  t.timeout(120_000);
  const { client } = t.context;
  const cases = fc.sample(
    fc.record({
      rendered: wish,
      edits: fc.array(fc.record({ way, spec: wish, guard: fc.boolean() }), { minLength: 1, maxLength: 2 }),
    }),
    { seed, numRuns: batchSize * batches },
  );
  let written = 0;
  let refused = 0;
  for (let batch = 0; batch < batches; batch++) {
    const gadgets = cases
      .slice(batch * batchSize, (batch + 1) * batchSize)
      .map((one, index) => ({ ...one, name: `gadget-${batch}-${index}` }));
    const { folder, catalog } = await catalogFor(gadgets);
    await converge(client, catalog);
    const baselines = new Map<string, AnyObject>();

    for (const { name, rendered, edits } of gadgets) {
      baselines.set(name, await gadget(name));
      let wanted = rendered;
      for (const { way, spec, guard } of edits) {
        const about = `seed ${seed}, ${way}: ${JSON.stringify(rendered)} → ${JSON.stringify(wanted)} → ${JSON.stringify(spec)}`;
        const before = (await gadget(name)).metadata.annotations?.[key];
        const ran = await runPlugin(
          ['patch', name, ...wordsFor(way, wanted, spec), ...(guard ? ['--guard'] : []), '-y', '--catalog', folder],
          {
            variables: { KUBECONFIG: cluster.kubeconfig, KUBE_EDITOR: 'somebody' },
            temporaryFolder: cluster.controlPlane.directory,
            // As a person does: the spec is rewritten, and all else stays.
            runProgram: async (_, [file = '']) => {
              const manifest = parseYaml(await readFile(file, 'utf8')) as AnyObject;
              await writeFile(file, printYaml({ ...manifest, spec }));
              return 0;
            },
          },
        );
        const after = (await gadget(name)).metadata.annotations?.[key];
        if (ran.code !== 0) {
          // The controller's apply would be refused alike.
          t.regex(
            ran.stderr,
            /the API server refuses the result|Edit cancelled, no valid changes/,
            `${ran.stderr}${about}`,
          );
          t.is(after, before, 'nothing was written');
          refused++;
          continue;
        }
        const read = after === undefined ? [] : parsePatch(after);
        t.false(isInvalid(read), about);
        wanted = spec;
        written++;
      }
      // What the server makes of the same manifest, applied to nothing.
      const reference = `reference-of-${name}`;
      await cluster.apply(
        { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: reference }, spec: wanted },
        { manager: 'virt-platform-autopilot' },
      );
    }

    const { plan } = await converge(client, catalog);
    for (const { name, rendered, edits } of gadgets) {
      const about = `seed ${seed}: ${JSON.stringify(rendered)} → ${JSON.stringify(edits)}`;
      t.is(itemOf(plan, name).decision, 'in-sync', `${itemOf(plan, name).why}: ${about}`);
      t.deepEqual(essence((await gadget(name)).spec), essence((await gadget(`reference-of-${name}`)).spec), about);
    }

    for (const { name } of gadgets) {
      const isPatched = (await gadget(name)).metadata.annotations?.[key] !== undefined;
      if (!isPatched) continue;
      const ran = await runPlugin(['patch', name, '--clear', '-y', '--catalog', folder], {
        variables: { KUBECONFIG: cluster.kubeconfig },
      });
      t.is(ran.code, 0, ran.stderr);
    }
    const { plan: cleared } = await converge(client, catalog);
    for (const { name } of gadgets) {
      const { decision, why } = itemOf(cleared, name);
      if (decision === 'rejected') continue;
      t.is(decision, 'in-sync', why);
      t.deepEqual(essence((await gadget(name)).spec), essence(baselines.get(name)?.spec), `${name} is back`);
    }
  }
  t.log(`${written} patches written, ${refused} refused by the server; seed ${seed}`);
  t.true(written > 5 * refused);
});

test.serial('whatever somebody did: what --from-live writes leaves the object as they made it', async (t) => {
  t.timeout(120_000);
  const { client } = t.context;
  const by = fc.constantFrom('apply' as const, 'update' as const);
  const cases = fc.sample(fc.record({ rendered: wish, rival: wish, by }), { seed, numRuns: batchSize * 2 });
  const gadgets = cases.map((one, index) => ({ ...one, name: `live-${index}` }));
  const { folder, catalog } = await catalogFor(gadgets);
  await converge(client, catalog);
  let adopted = 0;
  for (const { name, rendered, rival, by } of gadgets) {
    const about = `seed ${seed}, ${by}: ${JSON.stringify(rendered)} then ${JSON.stringify(rival)}`;
    const object = { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name }, spec: rival };
    try {
      if (by === 'apply') await cluster.apply(object, { manager: 'rival', force: true });
      else
        await cluster.patch(gadgetId(name), [{ op: 'replace', path: '/spec', value: rival }], {
          type: 'json',
          manager: 'human',
        });
    } catch (error) {
      // The server complains of a null that it left itself.
      if (error instanceof Error && error.message.includes('HTTP 422')) continue;
      throw error;
    }
    const before = (await gadget(name)).spec;
    const ran = await runPlugin(['patch', name, '--from-live', '-y', '--catalog', folder], {
      variables: { KUBECONFIG: cluster.kubeconfig },
    });
    if (/the API server refuses the result|can't be told/.test(ran.stderr)) continue;
    t.is(ran.code, 0, `${ran.stderr}${about}`);
    const item = itemOf((await converge(client, catalog)).plan, name);
    t.is(item.decision, 'in-sync', `${item.why}: ${about}`);
    t.deepEqual(essence((await gadget(name)).spec), essence(before), about);
    adopted++;
  }
  t.log(`${adopted} of ${gadgets.length} adopted; seed ${seed}`);
  t.true(adopted > gadgets.length / 2);
});
