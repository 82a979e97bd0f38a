import test from 'ava';
import { parse } from 'yaml';
import { RenderError } from '../../../../shared/catalog/render-error.ts';
import { bodyOf, unmetConditions } from '../_assets.ts';

const annotations = { 'platform.kubevirt.io/enable-ksm-zero-only': 'true' };
const ours = { nodeExporter: { collectors: { ksmd: { enabled: true } } } };

function rendered(text?: string): string {
  const settings = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    ...(text === undefined ? {} : { data: { 'config.yaml': text } }),
  };
  return bodyOf('ksm-cluster-monitoring', { objects: { settings } }).data['config.yaml'];
}

test('without settings there is only ours', (t) => {
  t.deepEqual(parse(bodyOf('ksm-cluster-monitoring').data['config.yaml']), ours);
  t.deepEqual(parse(rendered()), ours);
  t.deepEqual(parse(rendered('')), ours);
});

test("an admin's settings stay, and ours is merged into them", (t) => {
  const text = rendered(
    'prometheusK8s: {retention: 30d}\nnodeExporter:\n  maxProcs: 4\n  collectors:\n    ksmd: {enabled: false}\n    netclass: {useNetlink: true}\n',
  );
  t.deepEqual(parse(text), {
    prometheusK8s: { retention: '30d' },
    nodeExporter: { maxProcs: 4, collectors: { ksmd: { enabled: true }, netclass: { useNetlink: true } } },
  });
});

test('a text that already says so stays as it is, with its comments and order', (t) => {
  const text = '# Ours\nz: 1\nnodeExporter: {collectors: {ksmd: {enabled: true}}}\na: 2\n';
  t.is(rendered(text), text);
});

for (const [what, text] of [
  ['not YAML', 'a: [1\nb'],
  ['a list', '- a\n'],
  ['mere text', 'enableUserWorkload'],
] as const) {
  test(`settings that are ${what} are never overwritten`, (t) => {
    t.throws(() => rendered(text), { instanceOf: RenderError });
  });
}

test('it is opt-in, and leaves KSM alone where HyperConverged configures it', (t) => {
  const unset = "!configured('spec.virtualization.ksmConfiguration')";
  t.deepEqual(unmetConditions('ksm-cluster-monitoring', { annotations }), []);
  t.deepEqual(unmetConditions('ksm-cluster-monitoring'), ["enabled('ksm-zero-only')"]);
  const withKsm = (ksmConfiguration: unknown) => ({ annotations, spec: { virtualization: { ksmConfiguration } } });
  t.deepEqual(unmetConditions('ksm-cluster-monitoring', withKsm({})), []);
  t.deepEqual(unmetConditions('ksm-cluster-monitoring', withKsm({ nodeLabelSelector: {} })), [unset]);
});
