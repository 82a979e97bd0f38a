import test from 'ava';
import { parseYaml } from '../../shared/yaml/parse-yaml.ts';
import { useCluster } from '../helpers/cluster.ts';
import { activated, failsWith, hyperConverged, makeNamespaces, succeeds } from './_plugin.ts';
import { onTerminal } from './_plugin-terminal.ts';

const cluster = useCluster(test);
const features = (...args: string[]) => cluster.kubectl(['virt-platform', 'features', ...args]);

test.serial(
  'features lists each with its maturity, whether it is on, what switches it on and what it needs',
  async (t) => {
    await makeNamespaces(cluster);
    await cluster.apply(hyperConverged({ ...activated, 'platform.kubevirt.io/enable-thp-tuning': 'true' }));
    const ran = await features();
    succeeds(t, ran);
    const rows = ran.stdout.split('\n').map((line) => line.split(/ {3,}/));
    t.deepEqual(rows[0], ['FEATURE', 'MATURITY', 'STATE', 'ACTIVATION', 'NEEDS']);
    const row = (name: string) => rows.find(([feature]) => feature === name);
    t.deepEqual(row('memory-overcommit')?.slice(1, 4), ['GA', 'on', 'always']);
    t.deepEqual(row('thp-tuning')?.slice(1, 4), ['DP', 'on', 'platform.kubevirt.io/enable-thp-tuning=true']);
    t.is(row('metallb')?.[2], 'off');
    t.regex(row('load-aware-descheduler')?.[4] ?? '', /^Kube Descheduler Operator/);
  },
);

test.serial('features -o json and -o yaml carry the same data', async (t) => {
  const ran = await features('-o', 'json');
  succeeds(t, ran);
  const report = JSON.parse(ran.stdout);
  t.like(report, { apiVersion: 'virt-platform/v1', kind: 'Features' });
  t.deepEqual(Object.keys(report.items[0]), [
    'name',
    'title',
    'description',
    'maturity',
    'state',
    'activation',
    'needs',
    'missing',
    'assets',
  ]);
  t.deepEqual(parseYaml((await features('-o', 'yaml')).stdout), report);
});

test.serial('features -o name prints names and nothing else', async (t) => {
  const { stdout, stderr } = await features('-o', 'name');
  t.is(stderr, '');
  const report = JSON.parse((await features('-o', 'json')).stdout);
  t.deepEqual(
    stdout.trimEnd().split('\n'),
    report.items.map(({ name }: { name: string }) => name),
  );
});

test.serial('on a terminal the table fits, with the name and state of each feature', async (t) => {
  for (const width of [40, 80, 120]) {
    const { text, code } = await onTerminal(cluster, ['features'], { answer: '', columns: width });
    t.is(code, 0);
    for (const line of text.split('\n')) t.true(line.length <= width, line);
    t.regex(text, /^memory-overcommit +GA +on\b/m);
  }
});

test.serial('a terminal that does not say how wide it is gets the whole table', async (t) => {
  const { text } = await onTerminal(cluster, ['features'], { answer: '', columns: 0 });
  t.is(text, (await features()).stdout);
});

test.serial('features takes no name', async (t) => {
  failsWith(t, await features('metallb'), /takes no name/);
});
