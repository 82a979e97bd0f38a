import test from 'ava';
import { assetNamed, type Body, bodyOf, contextOf, unmetConditions } from '../_assets.ts';

const sbr = 'sbr-detection-config';

test('workers that are unhealthy for five minutes are fenced, while most are healthy', (t) => {
  t.deepEqual(bodyOf('nhc-far'), {
    spec: {
      minHealthy: '51%',
      selector: { matchExpressions: [{ key: 'node-role.kubernetes.io/worker', operator: 'Exists' }] },
      unhealthyConditions: [
        { type: 'Ready', status: 'False', duration: '300s' },
        { type: 'Ready', status: 'Unknown', duration: '300s' },
        { type: 'SBRStorageUnhealthy', status: 'True', duration: '300s' },
      ],
      remediationTemplate: {
        apiVersion: 'fence-agents-remediation.medik8s.io/v1alpha1',
        kind: 'FenceAgentsRemediationTemplate',
        name: 'fenceagentsremediationtemplate-default',
        namespace: 'openshift-workload-availability',
      },
    },
  });
});

test('the health check is cluster-scoped; the detection is where the remediation operators are', (t) => {
  t.is(assetNamed('nhc-far').target.namespace, undefined);
  const asset = assetNamed(sbr);
  t.is(asset.target.namespace?.render(contextOf(asset)), 'openshift-workload-availability');
  t.is(asset.target.name.render(contextOf(asset)), 'autopilot-recommended-values-detection-only');
});

test('self-remediation is the same with another template, without the storage, and not beside fencing', (t) => {
  const far: Body = bodyOf('nhc-far').spec;
  t.deepEqual(bodyOf('nhc-snr').spec, {
    ...far,
    unhealthyConditions: far.unhealthyConditions.slice(0, 2),
    remediationTemplate: {
      apiVersion: 'self-node-remediation.medik8s.io/v1alpha1',
      kind: 'SelfNodeRemediationTemplate',
      name: 'self-node-remediation-automatic-strategy-template',
      namespace: 'openshift-workload-availability',
    },
  });
  const enabled = (...names: string[]) => ({
    annotations: Object.fromEntries(names.map((name) => [`platform.kubevirt.io/enable-${name}`, 'true'])),
  });
  t.deepEqual(unmetConditions('nhc-snr'), ["enabled('node-self-remediation')"]);
  t.deepEqual(unmetConditions('nhc-snr', enabled('node-self-remediation')), []);
  t.deepEqual(unmetConditions('nhc-snr', enabled('node-self-remediation', 'node-remediation')), [
    "!enabled('node-remediation')",
  ]);
  t.true(assetNamed('nhc-snr').protects);
});

test('elsewhere the templates and the detection are where OLM installs operators', (t) => {
  const topology = { isOpenShift: false };
  for (const name of ['nhc-far', 'nhc-snr'])
    t.is(bodyOf(name, { topology }).spec.remediationTemplate.namespace, 'operators');
  const asset = assetNamed(`${sbr}-upstream`);
  t.is(asset.target.namespace?.render(contextOf(asset)), 'operators');
  const annotations = { 'platform.kubevirt.io/enable-node-remediation': 'true' };
  t.deepEqual(unmetConditions(asset.name, { annotations, topology }), []);
  t.deepEqual(unmetConditions(asset.name, { annotations }), ['!topology.isOpenShift']);
  t.deepEqual(unmetConditions(sbr, { annotations, topology }), ['topology.isOpenShift']);
});

for (const name of ['nhc-far', sbr]) {
  test(`${name} takes the annotation, and hides trouble when it is switched off`, (t) => {
    t.true(assetNamed(name).protects);
    t.deepEqual(unmetConditions(name), ["enabled('node-remediation')"]);
    const annotations = { 'platform.kubevirt.io/enable-node-remediation': 'true' };
    t.deepEqual(unmetConditions(name, { annotations }), []);
  });
}

function profile(name: string, volumeMode = 'Filesystem', accessMode = 'ReadWriteMany'): Body {
  return { metadata: { name }, status: { claimPropertySets: [{ volumeMode, accessModes: [accessMode] }] } };
}

function spec(storageProfiles: Body[], { live, chosen }: { live?: string; chosen?: string } = {}): Body {
  const objects = {
    storageProfiles,
    live: live === undefined ? null : { spec: { detectOnlyMode: 'Enabled', sharedStorageClass: live } },
  };
  const annotations = chosen === undefined ? {} : { 'platform.kubevirt.io/sbr-storage-class': chosen };
  return bodyOf(sbr, { objects, annotations }).spec;
}

test('storage is watched, never fenced by, on the first class that shares file systems', (t) => {
  const profiles = [profile('b-nfs'), profile('a-block', 'Block'), profile('a-single', 'Filesystem', 'ReadWriteOnce')];
  t.deepEqual(spec([...profiles, profile('c-nfs')]), { detectOnlyMode: 'Enabled', sharedStorageClass: 'b-nfs' });
});

test('without such a class none is named', (t) => {
  t.deepEqual(spec([]), { detectOnlyMode: 'Enabled' });
  t.deepEqual(spec([profile('a-block', 'Block')]), { detectOnlyMode: 'Enabled' });
  t.deepEqual(bodyOf(sbr), { spec: { detectOnlyMode: 'Enabled' } });
});

test("a class that comes later, with an earlier name, doesn't move the detection", (t) => {
  t.is(spec([profile('b-nfs'), profile('a-nfs')], { live: 'b-nfs' }).sharedStorageClass, 'b-nfs');
});

test("the admin's choice comes first; an empty one is none", (t) => {
  t.is(spec([profile('a-nfs')], { live: 'b-nfs', chosen: 'c-nfs' }).sharedStorageClass, 'c-nfs');
  t.is(spec([profile('a-nfs')], { chosen: '' }).sharedStorageClass, 'a-nfs');
});

test('a name that YAML would read as something else stays text', (t) => {
  t.is(spec([], { chosen: '1e3' }).sharedStorageClass, '1e3');
});
