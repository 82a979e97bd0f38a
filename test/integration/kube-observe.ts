import test, { type ExecutionContext } from 'ava';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import type { ObjectRef } from '../../shared/api/object-ref.ts';
import type { Catalog } from '../../shared/catalog/asset.ts';
import type { Plan } from '../../shared/engine/plan-item.ts';
import { type DryRunQuestion, type Question, questionKey, type Snapshot } from '../../shared/engine/snapshot.ts';
import { ApiError } from '../../shared/kube/api-error.ts';
import { type Cluster, openCluster } from '../../shared/kube/client.ts';
import { ConnectionError } from '../../shared/kube/connection-error.ts';
import { loadKubeconfig } from '../../shared/kube/kubeconfig.ts';
import { observe } from '../../shared/kube/observe.ts';
import { useCluster, waitFor } from '../helpers/cluster.ts';

const control = useCluster(test);
const catalog: Catalog = { digest: 'sha256:none', assets: [], tombstones: [], features: [] } as never;

test('what a plan asks is answered, round after round, each question once', async (t) => {
  const ref = configMap('observed');
  const [object] = await control.apply(manifest(ref, { a: '1' }));
  const get: Question = { ask: 'get', ref };
  const absent: Question = { ask: 'get', ref: configMap('nope') };
  const list: Question = { ask: 'list', apiVersion: 'v1', kind: 'Namespace' };
  const unserved: Question = { ask: 'list', apiVersion: 'example.com/v1', kind: 'Nothing' };
  const cluster = open(t);
  const rounds: Question[][] = [];
  const { snapshot, requests } = await observe(
    cluster,
    catalog,
    planner((snapshot) => {
      const live = snapshot.reads.get(questionKey(get));
      const questions =
        live?.answer === 'object' ? [get, dryRun(ref, { a: '2' }, live.object)] : [get, absent, list, unserved, get];
      rounds.push(questions);
      return questions;
    }),
    { images: { x: 'y' } },
  );
  t.deepEqual(snapshot.images, { x: 'y' });
  t.true(snapshot.apis.known && snapshot.apis.resources.some(({ kind }) => kind === 'MachineConfig'));
  t.deepEqual(snapshot.reads.get(questionKey(get)), { answer: 'object', object: object as KubernetesObject });
  t.deepEqual(snapshot.reads.get(questionKey(absent)), { answer: 'absent' });
  t.deepEqual(snapshot.reads.get(questionKey(unserved)), { answer: 'absent' });
  t.like(snapshot.reads.get(questionKey(list)), { answer: 'list' });
  t.like([...snapshot.verdicts.values()], [{ verdict: 'accepted', object: { data: { a: '2' } } }]);
  t.deepEqual((await control.get(ref))?.data, { a: '1' });
  t.is(rounds.length, 3);
  t.is(requests, 2 + 3 + 1);
});

test('of what was seen a moment ago nothing is asked again', async (t) => {
  const ref = configMap('seen');
  const [object] = await control.apply(manifest(ref, { a: '1' }));
  const questions: Question[] = [{ ask: 'get', ref }, dryRun(ref, { a: '2' }, object as KubernetesObject)];
  const cluster = open(t);
  const first = await observe(
    cluster,
    catalog,
    planner(() => questions),
    { images: {} },
  );
  const another: Question = { ask: 'get', ref: configMap('nope') };
  const second = await observe(
    cluster,
    catalog,
    planner(() => [...questions, another]),
    { images: { x: 'y' }, earlier: first.snapshot },
  );
  t.is(second.requests, 1);
  t.deepEqual(second.snapshot.images, { x: 'y' });
  t.deepEqual(second.snapshot.apis, first.snapshot.apis);
  t.deepEqual(second.snapshot.reads.get(questionKey({ ask: 'get', ref })), {
    answer: 'object',
    object: object as KubernetesObject,
  });
  t.deepEqual(second.snapshot.verdicts, first.snapshot.verdicts);
});

test('without permission the answers name it', async (t) => {
  const ref = configMap('secluded');
  const questions: Question[] = [
    { ask: 'get', ref },
    { ask: 'list', apiVersion: 'v1', kind: 'Node' },
    dryRun(ref, { a: '1' }),
  ];
  const { snapshot } = await observe(
    open(t, await control.user('viewer')),
    catalog,
    planner(() => questions),
    { images: {} },
  );
  const [get, list] = questions.map((question) => snapshot.reads.get(questionKey(question)));
  t.deepEqual(get, {
    answer: 'unknown',
    why: 'no permission to get configmaps: kubectl auth can-i get configmaps/secluded -n default',
    permission: { verb: 'get', group: '', resource: 'configmaps', namespace: 'default', name: 'secluded' },
  });
  t.like(list, { answer: 'unknown', why: 'no permission to list nodes: kubectl auth can-i list nodes' });
  t.like(
    [...snapshot.verdicts.values()],
    [{ verdict: 'unknown', permission: { verb: 'patch', resource: 'configmaps' } }],
  );
});

test('an object that changed while it was looked at is looked at again', async (t) => {
  const ref = configMap('changing');
  const [object] = await control.apply(manifest(ref, { a: '1' }));
  const stale = {
    ...(object as KubernetesObject),
    metadata: { ...object?.metadata, resourceVersion: '1' },
  } as KubernetesObject;
  const key = questionKey({ ask: 'get', ref });
  const { snapshot } = await observe(
    open(t),
    catalog,
    planner(({ reads }) => {
      const live = reads.get(key);
      return [dryRun(ref, { a: '2' }, live?.answer === 'object' ? live.object : stale)];
    }),
    { images: {} },
  );
  t.like(snapshot.reads.get(key), { answer: 'object', object: { data: { a: '1' } } });
  t.deepEqual(
    [...snapshot.verdicts.values()].map(({ verdict }) => verdict),
    ['accepted'],
  );
});

test('an object that appeared while it was looked at is looked at again', async (t) => {
  const ref = configMap('appearing');
  await control.apply(manifest(ref, { a: '1' }));
  const key = questionKey({ ask: 'get', ref });
  const { snapshot } = await observe(
    open(t),
    catalog,
    planner(({ reads }) => {
      const live = reads.get(key);
      return [dryRun(ref, { a: '2' }, live?.answer === 'object' ? live.object : undefined)];
    }),
    { images: {} },
  );
  t.like([...snapshot.verdicts.values()], [{ verdict: 'accepted', object: { data: { a: '2' } } }]);
});

test('an object that never stays the same is unknown after a few looks', async (t) => {
  const ref = configMap('restless');
  const question = dryRun(
    ref,
    { a: '2' },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', uid: 'x', resourceVersion: '1' } },
  );
  const { snapshot } = await observe(
    open(t),
    catalog,
    planner(() => [question]),
    { images: {} },
  );
  t.like(snapshot.verdicts.get(questionKey(question)), {
    verdict: 'unknown',
    why: 'ConfigMap/default/restless changed each time it was looked at: try again',
  });
});

test('what the server or a policy refuses is rejected in its own words; a webhook that is down decides nothing', async (t) => {
  await control.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'strict' } });
  await control.apply({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'broken', labels: { hook: 'broken' } },
  });
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] }];
  await control.apply([
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: 'no-a' },
      spec: {
        matchConstraints: { resourceRules: rules },
        validations: [
          { expression: "!has(object.data) || !('bad' in object.data)", message: 'bad is bad', reason: 'Forbidden' },
        ],
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: 'no-a' },
      spec: {
        policyName: 'no-a',
        validationActions: ['Deny'],
        matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'strict' } } },
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'down' },
      webhooks: [
        {
          name: 'down.example.com',
          clientConfig: { url: 'https://127.0.0.1:1/' },
          rules,
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          failurePolicy: 'Fail',
          namespaceSelector: { matchLabels: { hook: 'broken' } },
        },
      ],
    },
  ]);
  const denied = dryRun({ ...configMap('denied'), namespace: 'strict' }, { bad: '1' });
  const wrong = { ...dryRun(configMap('wrong'), {}), desired: { ...manifest(configMap('wrong'), {}), data: { a: 1 } } };
  const undeclared = {
    ...dryRun(configMap('undeclared'), {}),
    desired: { ...manifest(configMap('undeclared'), {}), dta: {} },
  };
  const nowhere = dryRun({ ...configMap('x'), namespace: 'nowhere' }, {});
  const down = dryRun({ ...configMap('down'), namespace: 'broken' }, {});
  const questions = [denied, wrong, undeclared, nowhere, down];
  // Policies and webhooks take effect a moment after they are written.
  const snapshot = await waitFor(
    async () => {
      const { snapshot } = await observe(
        open(t),
        catalog,
        planner(() => questions),
        { images: {} },
      );
      const settled = [denied, down].every(
        (question) => snapshot.verdicts.get(questionKey(question))?.verdict !== 'accepted',
      );
      return settled ? snapshot : undefined;
    },
    { what: 'policy and webhook to take effect' },
  );
  const verdict = (question: DryRunQuestion) => JSON.stringify(snapshot.verdicts.get(questionKey(question)));
  t.regex(verdict(denied), /"rejected".*bad is bad/);
  t.regex(verdict(wrong), /"rejected"/);
  t.regex(verdict(undeclared), /"rejected".*dta/);
  t.regex(verdict(nowhere), /"rejected".*namespaces \\"nowhere\\" not found/);
  t.regex(verdict(down), /"unknown".*down\.example\.com/);
});

test('a cluster that cannot be asked is an error, not a plan', async (t) => {
  const connection = loadKubeconfig({ env: {}, kubeconfig: control.kubeconfig });
  const ask = (change: Partial<typeof connection>) => {
    const cluster = openCluster({ ...connection, ...change }, { userAgent: 'test/1' });
    t.teardown(() => cluster.close());
    return observe(
      cluster,
      catalog,
      planner(() => []),
      { images: {} },
    );
  };
  await t.throwsAsync(ask({ server: 'https://127.0.0.1:1' }), { instanceOf: ConnectionError });
  t.true((await t.throwsAsync(ask({ credentials: { token: 'expired' } }), { instanceOf: ApiError }))?.isUnauthorized);
});

test('a plan that never has enough ends as an internal error', async (t) => {
  let count = 0;
  const observed = observe(
    open(t),
    catalog,
    planner(() => [{ ask: 'get', ref: configMap(`endless-${count++}`) }]),
    { images: {} },
  );
  await t.throwsAsync(observed, {
    message: /^internal error: the plan still asks after 40 rounds.*get v1 ConfigMap default endless/,
  });
});

test('an aborted signal ends the observation with its reason', async (t) => {
  const abort = new AbortController();
  const reason = new Error('enough');
  const asking = planner(() => {
    abort.abort(reason);
    return [{ ask: 'get', ref: configMap('x') }];
  });
  await t.throwsAsync(observe(open(t), catalog, asking, { images: {}, signal: abort.signal }), { is: reason });
});

function open(t: ExecutionContext, kubeconfig = control.kubeconfig): Cluster {
  const cluster = openCluster(loadKubeconfig({ env: {}, kubeconfig }), { userAgent: 'test/1' });
  t.teardown(() => cluster.close());
  return cluster;
}

function planner(questions: (snapshot: Snapshot) => readonly Question[]) {
  return (_: Catalog, snapshot: Snapshot) => ({
    plan: { items: [] } as unknown as Plan,
    questions: questions(snapshot),
  });
}

function dryRun(ref: ObjectRef, data: Record<string, string>, live?: KubernetesObject): DryRunQuestion {
  const { uid = '', resourceVersion = '' } = live?.metadata ?? {};
  return {
    ask: 'dry-run',
    ref,
    desired: manifest(ref, data),
    digest: JSON.stringify(data),
    ...(live && { live: { uid, resourceVersion } }),
  };
}

function configMap(name: string): ObjectRef {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name };
}

function manifest({ apiVersion, kind, ...metadata }: ObjectRef, data: Record<string, string>): KubernetesObject {
  return { apiVersion, kind, metadata, data };
}
