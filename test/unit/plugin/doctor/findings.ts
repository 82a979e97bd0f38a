import test from 'ava';
import { objects } from '../../../../plugin/doctor/checks/objects.ts';
import { serverVersion } from '../../../../plugin/doctor/checks/server-version.ts';
import { doctorText } from '../../../../plugin/doctor/doctor-text.ts';
import type { Finding } from '../../../../plugin/doctor/finding.ts';
import { runChecks } from '../../../../plugin/doctor/run-checks.ts';
import { plain } from '../../../../plugin/output/colour.ts';
import { ApiError } from '../../../../shared/kube/api-error.ts';
import { ConnectionError } from '../../../../shared/kube/connection-error.ts';
import { item, planOf } from '../_plan.ts';
import { examined } from './_examined.ts';

const servers = test.macro({
  exec: async (t, minor: string, ids: string[]) => {
    const server = { gitVersion: `v1.${minor}.0`, major: '1', minor, platform: 'linux/amd64' };
    t.deepEqual(
      (await runChecks([serverVersion], examined({ server }))).map(({ id }) => id),
      ids,
    );
  },
  title: (_, minor: string, ids: string[]) => `Kubernetes 1.${minor} is ${ids.join() || 'nothing to speak of'}`,
});
test(servers, '29+', ['server-too-old']);
test(servers, '30', []);
test(servers, '36', []);
test(servers, '37', ['server-untested']);

test('mistakes of the catalog are errors, and what waits is only told', async (t) => {
  const plan = planOf([
    item('a', { decision: 'waiting', for: ['b'] }),
    item('b', { decision: 'condition-error' }),
    item('c', { decision: 'render-failed' }),
    item('d', { decision: 'missing-namespace' }),
    item('e', { decision: 'condition-unmet' }),
  ]);
  const found = await runChecks([objects], examined({ plan }));
  t.deepEqual(
    found.map(({ id, severity, what, fix }) => [id, severity, what, fix]),
    [
      ['condition-error', 'error', 'b: because', 'kubectl virt-platform explain b --context=prod --as=jane'],
      ['render-failed', 'error', 'c: because', 'kubectl virt-platform explain c --context=prod --as=jane'],
      ['namespace-missing', 'warning', 'd: because', 'kubectl --context=prod --as=jane create namespace somewhere'],
      ['waiting', 'info', 'a: because', 'kubectl virt-platform explain b --context=prod --as=jane'],
    ],
  );
});

test('what could not be compared for one reason is one finding, with the command that the reason names', async (t) => {
  const why =
    'no permission to get machineconfigs in x.example: kubectl --context=prod --as=jane auth can-i get machineconfigs.x.example/a';
  const plan = planOf([item('a', { decision: 'unreadable' }, { why }), item('b', { decision: 'unreadable' }, { why })]);
  t.deepEqual(await runChecks([objects], examined({ plan })), [
    {
      id: 'not-checked',
      severity: 'info',
      what: 'not checked: a, b: no permission to get machineconfigs in x.example',
      where: 'this user',
      fix: 'kubectl --context=prod --as=jane auth can-i get machineconfigs.x.example/a',
    },
  ]);
});

/** A check that meets an error. */
const meeting = (error: Error) => ({ about: 'the moon', finds: {}, run: () => Promise.reject(error) });

test('a check that meets trouble of its own is not checked; the others go on', async (t) => {
  const asked = { doing: 'look', server: 'https://x', who: 'jane', details: {} };
  const denied = new ApiError({
    ...asked,
    code: 403,
    reason: 'Forbidden',
    serverMessage:
      'moons is forbidden: User "jane" cannot list resource "moons" in API group "sky.example" at the cluster scope',
  });
  const failing = new ApiError({ ...asked, code: 500, reason: 'InternalError', serverMessage: 'the moon is dark' });
  const found = await runChecks([meeting(denied), meeting(failing), serverVersion], examined());
  t.deepEqual(
    found.map(({ id, what, fix }) => [id, what, fix]),
    [
      [
        'not-checked',
        'not checked: the moon: it needs the permission to list moons in sky.example',
        'kubectl --context=prod --as=jane auth can-i list moons.sky.example',
      ],
      [
        'not-checked',
        'not checked: the moon: Error from server (InternalError): the moon is dark',
        'kubectl --context=prod --as=jane version',
      ],
    ],
  );
});

test('a server that is gone ends all of it', async (t) => {
  const gone = new ConnectionError('refused', 'nobody is there');
  t.is(await t.throwsAsync(runChecks([meeting(gone)], examined())), gone);
});

test('people see a finding after the other and how many there are, with nothing that a terminal would act upon', (t) => {
  const finding: Finding = {
    id: 'x',
    severity: 'error',
    what: 'it is \u001b[31mred',
    where: 'a/b',
    fix: 'kubectl get a/b',
    note: 'look',
  };
  const info: Finding = { id: 'y', severity: 'info', what: 'it is so', where: 'c', fix: 'kubectl get c' };
  t.is(
    doctorText([finding, info, info], { paint: plain, checks: 3 }),
    `error   x   a/b
  it is \\u001b[31mred
  note: look
  fix: kubectl get a/b

info   y   c
  it is so
  fix: kubectl get c

info   y   c
  it is so
  fix: kubectl get c

1 error, 2 infos found by 3 checks
`,
  );
  t.is(doctorText([], { paint: plain, checks: 3 }), 'nothing found by 3 checks\n');
});
