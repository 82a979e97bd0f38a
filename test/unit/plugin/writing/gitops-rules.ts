import test from 'ava';
import { gitopsRules, ownedPointers } from '../../../../plugin/writing/gitops-rules.ts';

const object = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  metadata: {
    name: 'kubevirt.hyperconverged',
    namespace: 'openshift-cnv',
    labels: { 'platform.kubevirt.io/managed-by': 'virt-platform-autopilot' },
  },
  spec: { a: { b: 1, 'c~d': null }, list: [{ x: 1 }], empty: {} },
};
const pointers = [
  '/metadata/labels/platform.kubevirt.io~1managed-by',
  '/spec/a/b',
  '/spec/a/c~0d',
  '/spec/empty',
  '/spec/list',
];

test('every field that is set is owned, a list as a whole, and the identity not at all', (t) => {
  t.deepEqual(ownedPointers(object), pointers);
});

test('Argo CD is told of exactly that object and those fields, and to leave them alone when it syncs', (t) => {
  t.deepEqual(gitopsRules('argocd', [object]), {
    spec: {
      syncPolicy: { syncOptions: ['RespectIgnoreDifferences=true'] },
      ignoreDifferences: [
        {
          group: 'hco.kubevirt.io',
          kind: 'HyperConverged',
          name: 'kubevirt.hyperconverged',
          namespace: 'openshift-cnv',
          jsonPointers: pointers,
        },
      ],
    },
  });
});

test('Flux takes names for regular expressions', (t) => {
  t.deepEqual(JSON.parse(JSON.stringify(gitopsRules('flux', [object]))), {
    spec: {
      ignore: [
        {
          paths: pointers,
          target: {
            group: 'hco\\.kubevirt\\.io',
            kind: 'HyperConverged',
            name: 'kubevirt\\.hyperconverged',
            namespace: 'openshift-cnv',
          },
        },
      ],
    },
  });
});
